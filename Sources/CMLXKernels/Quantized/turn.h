// Words of sixteen rows turned around, so that a vector has one word of each row.
#pragma once

/// Four words of each of sixteen rows, a vector for each word.
INLINE void turn_words(__m512i out[4], const u8 *p, size_t row_bytes) {
    __m512i z[4];
    UNROLL for (int j = 0; j < 4; j++) {
        const u8 *q = p + (size_t)j * row_bytes;
        z[j] = _mm512_castsi128_si512(_mm_loadu_si128((const void *)q));
        z[j] = _mm512_inserti32x4(z[j], _mm_loadu_si128((const void *)(q + 4 * row_bytes)), 1);
        z[j] = _mm512_inserti32x4(z[j], _mm_loadu_si128((const void *)(q + 8 * row_bytes)), 2);
        z[j] = _mm512_inserti32x4(z[j], _mm_loadu_si128((const void *)(q + 12 * row_bytes)), 3);
    }
    __m512i a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
    __m512i c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    out[0] = _mm512_unpacklo_epi64(a, c);
    out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d);
    out[3] = _mm512_unpackhi_epi64(b, d);
}
