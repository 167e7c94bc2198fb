// Loops that find the limits of a processor: arithmetic in registers at every level, streams with
// the widest vectors. Chains are as many as the registers hold, so that throughput is measured and
// not latency; the optimizer is told that values change where it would take work out of a loop.
#define MLX_LEVEL peak
#include "common.h"
#include "target.h"
#include "mlx_levels.h"
#include "mlx_peaks.h"

#if defined(__x86_64__)
#define KEEP(value) __asm__ volatile("" : "+v"(value))
#define KEEP_CONSTANT(value) __asm__ volatile("" : : "v"(value))
#elif defined(__aarch64__)
#define KEEP(value) __asm__ volatile("" : "+w"(value))
#define KEEP_CONSTANT(value) __asm__ volatile("" : : "w"(value))
#endif

#if defined(KEEP)
#define CHAINS(name, V, COUNT, STEP)                                                      \
    static void name(size_t rounds) {                                                     \
        V sums[COUNT] = {}, a = {}, b = {};                                               \
        KEEP(a);                                                                          \
        KEEP(b);                                                                          \
        for (size_t r = 0; r < rounds; r++) {                                             \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < COUNT; i++) {          \
                sums[i] = STEP(sums[i]);                                                  \
                KEEP(sums[i]);                                                            \
            }                                                                             \
        }                                                                                 \
    }

typedef float f32x4 __attribute__((vector_size(16)));
#if defined(__aarch64__)
#include <arm_neon.h>
#define STEP_BASELINE(sum) vfmaq_f32(sum, a, b)
#else
#define STEP_BASELINE(sum) ((sum) * a + b)
#endif
CHAINS(f32_baseline, f32x4, 12, STEP_BASELINE)
#define LANES 4
#undef MLX_LEVEL
#define MLX_LEVEL peak_baseline
#include "streams.h"
#endif

#if defined(__x86_64__)
#define STEP_FMA(sum) _mm256_fmadd_ps(a, b, sum)
#define STEP_MADD(sum) add_products(sum, a, b)
TARGET_AVX2
/// The usual way without instructions for it: pairs of products in 16 bits, pairs of those in 32.
INLINE __m256i add_products(__m256i sum, __m256i a, __m256i b) {
    KEEP(a);
    __m256i pairs = _mm256_maddubs_epi16(a, b);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, b));
}
CHAINS(f32_avx2, __m256, 12, STEP_FMA)
CHAINS(i8_avx2, __m256i, 12, STEP_MADD)
#undef LANES
#undef MLX_LEVEL
#define LANES 8
#define MLX_LEVEL peak_avx2
#include "streams.h"
TARGET_END

#define STEP_FMA512(sum) _mm512_fmadd_ps(a, b, sum)
TARGET_AVX512
CHAINS(f32_avx512, __m512, 24, STEP_FMA512)
#undef LANES
#undef MLX_LEVEL
#define LANES 16
#define MLX_LEVEL peak_avx512
#include "streams.h"
TARGET_END

#define STEP_VNNI(sum) _mm512_dpbusd_epi32(sum, a, b)
TARGET_VNNI
CHAINS(i8_vnni, __m512i, 24, STEP_VNNI)
TARGET_END

#define STEP_AVXVNNI(sum) _mm256_dpbusd_avx_epi32(sum, a, b)
TARGET(AVX2_FEATURES ",avxvnni")
CHAINS(i8_avxvnni, __m256i, 12, STEP_AVXVNNI)
TARGET_END

#define STEP_BF16(sum) _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b)
TARGET_AVX512BF16
CHAINS(bf16_pairs, __m512, 24, STEP_BF16)
TARGET_END

TARGET(AVX512_FEATURES ",avx512bf16,amx-tile,amx-bf16,amx-int8")
/// All eight tiles 16 rows of 64 bytes, zero. Four hold sums, two each the factors.
INLINE void begin_tiles(void) {
    struct {
        u8 palette, start, reserved[14];
        u16 row_bytes[16];
        u8 rows[16];
    } shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shapes.row_bytes[i] = 64;
        shapes.rows[i] = 16;
    }
    _tile_loadconfig(&shapes);
}
#define TILES(name, PRODUCT)                     \
    static void name(size_t rounds) {            \
        begin_tiles();                           \
        for (size_t r = 0; r < rounds; r++) {    \
            PRODUCT(0, 4, 6);                    \
            PRODUCT(1, 4, 7);                    \
            PRODUCT(2, 5, 6);                    \
            PRODUCT(3, 5, 7);                    \
        }                                        \
        _tile_release();                         \
    }
TILES(bf16_tiles, _tile_dpbf16ps)
TILES(i8_tiles, _tile_dpbssd)
TARGET_END

enum extension { NONE, AVX_VNNI, AVX512_VNNI, AMX_INT8 };

static const struct {
    mlx_peak peak;
    int level;
    enum extension extension;
} peaks[] = {
    {{"f32", "baseline", 12 * 4 * 2, f32_baseline}, MLX_LEVEL_BASELINE, NONE},
    {{"f32", "avx2", 12 * 8 * 2, f32_avx2}, MLX_LEVEL_AVX2, NONE},
    {{"f32", "avx512", 24 * 16 * 2, f32_avx512}, MLX_LEVEL_AVX512, NONE},
    {{"i8", "avx2", 12 * 32 * 2, i8_avx2}, MLX_LEVEL_AVX2, NONE},
    {{"i8", "avxvnni", 12 * 32 * 2, i8_avxvnni}, MLX_LEVEL_AVX2, AVX_VNNI},
    {{"i8", "vnni", 24 * 64 * 2, i8_vnni}, MLX_LEVEL_AVX512, AVX512_VNNI},
    {{"bf16", "avx512bf16", 24 * 32 * 2, bf16_pairs}, MLX_LEVEL_AVX512BF16, NONE},
    {{"bf16", "amx", 4 * 16 * 16 * 32 * 2, bf16_tiles}, MLX_LEVEL_AMX, NONE},
    {{"i8", "amx", 4 * 16 * 16 * 64 * 2, i8_tiles}, MLX_LEVEL_AMX, AMX_INT8},
};

static bool has(enum extension extension) {
    __builtin_cpu_init();
    switch (extension) {
    case NONE: return true;
    case AVX_VNNI: return __builtin_cpu_supports("avxvnni");
    case AVX512_VNNI: return __builtin_cpu_supports("avx512vnni");
    case AMX_INT8: return __builtin_cpu_supports("amx-int8");
    }
}
#elif defined(__aarch64__)
enum extension { NONE };

static const struct {
    mlx_peak peak;
    int level;
    enum extension extension;
} peaks[] = {{{"f32", "baseline", 12 * 4 * 2, f32_baseline}, MLX_LEVEL_BASELINE, NONE}};

static bool has(enum extension extension) { return extension == NONE; }
#endif

const mlx_peak *mlx_peak_at(size_t index) {
#if defined(KEEP)
    for (size_t i = 0; i < sizeof peaks / sizeof *peaks; i++) {
        if (peaks[i].level > mlx_best_level() || !has(peaks[i].extension)) continue;
        if (index-- == 0) return &peaks[i].peak;
    }
#endif
    return NULL;
}

const mlx_stream *mlx_stream_at(size_t index) {
#if defined(KEEP)
    const size_t count = sizeof streams_peak_baseline / sizeof *streams_peak_baseline;
    const mlx_stream *streams = streams_peak_baseline;
#if defined(__x86_64__)
    if (mlx_best_level() >= MLX_LEVEL_AVX2) streams = streams_peak_avx2;
    if (mlx_best_level() >= MLX_LEVEL_AVX512) streams = streams_peak_avx512;
#endif
    return index < count ? streams + index : NULL;
#else
    return NULL;
#endif
}
