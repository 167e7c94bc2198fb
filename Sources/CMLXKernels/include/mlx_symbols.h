// What the dynamic linker and the Swift runtime know about code, for describing errors.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The file that holds the code at `address` and how far it was moved when loaded. The program's
/// own file is "/proc/self/exe". NULL when no file holds it.
const char *mlx_object(uintptr_t address, uintptr_t *bias);

/// The Swift runtime's demangler: a string to be freed, or NULL when `name` is not mangled.
char *swift_demangle(
    const char *name, size_t length, char *buffer, size_t *buffer_size, uint32_t flags);
