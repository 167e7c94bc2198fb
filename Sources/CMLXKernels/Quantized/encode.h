// Quantization of one level: groups of numbers to codes, scales and offsets. Bits are MLX's: every
// step below is one float32 operation in the order MLX takes it.

/// The largest and smallest of a group; NaN counts as neither.
INLINE void group_range(const float *x, size_t group, float *high, float *low) {
    F16 h = (F16)(-INFINITY), l = (F16)(INFINITY);
    for (size_t i = 0; i < group; i += 16) {
        F16 v = *(const F16_AT *)(x + i);
        h = v > h ? v : h;
        l = v < l ? v : l;
    }
    *high = h[0];
    *low = l[0];
    for (int j = 1; j < 16; j++) {
        *high = h[j] > *high ? h[j] : *high;
        *low = l[j] < *low ? l[j] : *low;
    }
}

/// Packs whole groups of eight codes into a bit stream.
INLINE void pack_codes(u8 *out, const u8 *codes, size_t n, int bits) {
    if (bits == 8) {
        memcpy(out, codes, n);
        return;
    }
    for (size_t i = 0; i < n; i += 8, out += bits) {
        u64 word = 0;
        for (int j = 0; j < 8; j++) word |= (u64)codes[i + (size_t)j] << (bits * j);
        memcpy(out, &word, (size_t)bits);
    }
}

enum { LARGEST_GROUP = 128 };

/// The edge of larger magnitude is a multiple of the scale, so it and zero come back exactly.
void LEVEL_NAME(mlx_encode_affine)(u8 *out, float *scales, float *biases, const float *x,
                                   size_t n, size_t group, int bits) {
    const float most = (float)((1 << bits) - 1);
    u8 codes[LARGEST_GROUP];
    for (size_t k = 0; k < n; k += group) {
        float high, low;
        group_range(x + k, group, &high, &low);
        bool from_low = fabsf(low) > fabsf(high);
        float step = (high - low) / most;
        step = step > 1e-7f ? step : 1e-7f;
        float scale = from_low ? step : -step, edge = from_low ? low : high;
        float q0 = rintf(edge / scale), bias = 0;
        if (q0 != 0) {
            scale = edge / q0;
            bias = edge;
        }
        if (scales) *scales++ = scale;
        if (biases) *biases++ = bias;
        if (!out) continue;
        const float *p = x + k;
        LOOP for (size_t i = 0; i < group; i++) {
            float t = (p[i] - bias) / scale;
            t = t > 0 ? t : 0;
            t = t < most ? t : most;
            // Adding 1.5 * 2^23 rounds to nearest even.
            codes[i] = (u8)(bits32(t + 12582912.0f) - 0x4B400000u);
        }
        pack_codes(out, codes, group, bits);
        out += group * (size_t)bits / 8;
    }
}

INLINE u8 to_e4m3(float x) {
    u32 b = bits32(x), sign = b >> 24 & 0x80, a = b & 0x7fffffffu;
    // Below 2^-6: adding 2^14 aligns the mantissa so that the addition rounds it.
    u32 subnormal = bits32(float32(a) + 16384.0f) - 0x46800000u;
    u32 normal = (a - (120u << 23) + 0x7ffffu + (a >> 20 & 1)) >> 20;
    return (u8)(sign | (a < (121u << 23) ? subnormal : a >= 0x43e00000u ? 0x7eu : normal));
}

/// 0x7F and 0xFF, which the format keeps for NaN, are the numbers their bits would be, ±480.
INLINE float from_e4m3(u8 c) {
    float size = widen_f16((u16)((c & 0x7f) << 7)) * 256.0f;
    return c & 0x80 ? -size : size;
}

/// Ties go to the smaller magnitude, and what rounds to zero has no sign.
INLINE u8 to_e2m1(float x) {
    float a = fabsf(x);
    u8 c = (u8)((a > 0.25f) + (a > 0.75f) + (a > 1.25f) + (a > 1.75f) + (a > 2.5f) + (a > 3.5f)
                + (a > 5.0f));
    return (u8)(c | ((x < 0) & (c != 0)) << 3);
}

void LEVEL_NAME(mlx_to_e4m3)(u8 *out, const float *x, size_t n) {
    LOOP for (size_t i = 0; i < n; i++) out[i] = to_e4m3(x[i]);
}
void LEVEL_NAME(mlx_from_e4m3)(float *out, const u8 *x, size_t n) {
    LOOP for (size_t i = 0; i < n; i++) out[i] = from_e4m3(x[i]);
}

void LEVEL_NAME(mlx_decode_scales)(float *out, const u8 *scales, size_t n, bool e8m0,
                                   float global) {
    for (size_t i = 0; i < n; i++) {
        // 2^-127 is subnormal: half of the smallest normal number.
        float power = scales[i] ? float32((u32)scales[i] << 23) : float32(1u << 22);
        float value = e8m0 ? power : from_e4m3(scales[i]);
        out[i] = global != 0 ? value * (global / 2688.0f) : value;
    }
}

void LEVEL_NAME(mlx_encode_float)(u8 *out, u8 *scales, const float *x, size_t n, size_t group,
                                  int kind, float global) {
    float largest = kind == MLX_CODE_E4M3 ? 448.0f : 6.0f;
    u8 codes[LARGEST_GROUP];
    for (size_t k = 0; k < n; k += group) {
        float high, low, scale;
        group_range(x + k, group, &high, &low);
        float wide = fabsf(low) > fabsf(high) ? fabsf(low) : fabsf(high);
        float ratio = wide / largest;
        u8 byte;
        if (group == 16) {
            byte = to_e4m3(global != 0 ? ratio * (2688.0f / global) : ratio);
            scale = from_e4m3(byte);
            scale = global != 0 ? scale * (global / 2688.0f) : scale;
        } else {
            float exponent = ceilf(log2f(ratio)) + 127;
            exponent = exponent > 0 ? exponent : 0;
            exponent = exponent < 254 ? exponent : 254;
            byte = wide > 0 ? (u8)exponent : 127;
            scale = byte ? float32((u32)byte << 23) : float32(1u << 22);
        }
        if (scales) *scales++ = byte;
        if (!out) continue;
        const float *p = x + k;
        for (size_t i = 0; i < group; i++) {
            float t = scale == 0 ? 0 : p[i] / scale;
            codes[i] = kind == MLX_CODE_E4M3 ? to_e4m3(t) : to_e2m1(t);
        }
        int bits = kind == MLX_CODE_E4M3 ? 8 : 4;
        pack_codes(out, codes, group, bits);
        out += group * (size_t)bits / 8;
    }
}
