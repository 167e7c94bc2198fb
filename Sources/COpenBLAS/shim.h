#pragma once
#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include "lapack.h"

// What a build of OpenBLAS that knows several processors exports beside its interface.
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern char **environ;

/// Lets OpenBLAS choose its kernels again with one more setting ("OPENBLAS_CORETYPE=..."), unless
/// the user has chosen. To be called while nothing of it runs. The environment itself stays what it
/// is: it is replaced for the call, since others may be reading it.
static inline void mlx_openblas_choose(const char *setting) {
    if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit || getenv("OPENBLAS_CORETYPE")) return;
    size_t count = 0;
    while (environ[count]) count++;
    char **extended = (char **)malloc((count + 2) * sizeof(char *)), **own = environ;
    if (!extended) return;
    extended[0] = (char *)setting;
    memcpy(extended + 1, own, (count + 1) * sizeof(char *));
    environ = extended;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    environ = own;
    free(extended);
}
