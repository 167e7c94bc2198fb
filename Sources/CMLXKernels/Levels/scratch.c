// One growing buffer per thread, for panels and tiles that live as long as one chunk of a kernel.
#include "mlx_levels.h"
#include <pthread.h>
#include <stdlib.h>

static _Thread_local void *buffer;
static _Thread_local size_t capacity;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) { pthread_key_create(&key, free); }

void *mlx_thread_scratch(size_t bytes) {
    if (bytes <= capacity) return buffer;
    pthread_once(&once, make_key);
    free(buffer);
    capacity = (bytes + 4095) & ~(size_t)4095;
    buffer = aligned_alloc(64, capacity);
    if (!buffer) capacity = 0;
    pthread_setspecific(key, buffer);
    return buffer;
}
