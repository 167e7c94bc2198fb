// float16 and bfloat16 to and from float32, round to nearest even. With F16C the instruction does
// it; elsewhere integer arithmetic gives the same bits, NaN payloads included.

INLINE float widen_bf16(u16 x) { return float32((u32)x << 16); }
INLINE u16 narrow_bf16(float x) {
    u32 b = bits32(x);
    u32 rounded = (b + 0x7fffu + ((b >> 16) & 1)) >> 16;
    return (u16)(x != x ? (b >> 16) | 0x40 : rounded);
}

#if MLX_LEVEL_F16C
INLINE float widen_f16(u16 x) {
    _Float16 h;
    memcpy(&h, &x, 2);
    return (float)h;
}
INLINE u16 narrow_f16(float x) {
    _Float16 h = (_Float16)x;
    u16 r;
    memcpy(&r, &h, 2);
    return r;
}
#else
INLINE float widen_f16(u16 x) {
    u32 sign = (u32)(x & 0x8000) << 16, rest = (u32)(x & 0x7fff) << 13;
    // The exponent is 112 too small; multiplying by 2^112 also normalises subnormals.
    u32 finite = bits32(float32(rest) * float32(239u << 23));
    u32 special = rest | 0x7f800000u | (rest & 0x7fffff ? 0x400000u : 0);
    return float32(sign | ((x & 0x7c00) == 0x7c00 ? special : finite));
}
INLINE u16 narrow_f16(float x) {
    u32 b = bits32(x), sign = (b >> 16) & 0x8000, a = b & 0x7fffffffu;
    // Below 2^-14: adding 0.5 aligns the mantissa so that the addition rounds it.
    u32 subnormal = bits32(float32(a) + 0.5f) - 0x3f000000u;
    u32 normal = (a - (112u << 23) + 0xfffu + ((a >> 13) & 1)) >> 13;
    u32 nan = 0x7e00u | ((a >> 13) & 0x3ff);
    u32 r = a < (113u << 23) ? subnormal : a >= 0x477ff000u ? 0x7c00u : normal;
    return (u16)(sign | (a > 0x7f800000u ? nan : r));
}
#endif
