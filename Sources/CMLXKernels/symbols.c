#define _GNU_SOURCE
#include "mlx_symbols.h"
#include <dlfcn.h>
#include <link.h>

const char *mlx_object(uintptr_t address, uintptr_t *bias) {
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return NULL;
    *bias = map->l_addr;
    // The linker names the program itself by an empty string.
    return map->l_name[0] ? map->l_name : "/proc/self/exe";
}
