// The target attributes of the levels, pushed around the level sources.
#pragma once

#define AVX2_FEATURES "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt"
#define AVX512_FEATURES AVX2_FEATURES ",avx512f,avx512bw,avx512dq,avx512vl,avx512cd"

#define PRAGMA_(text) _Pragma(#text)
#define PRAGMA(text) PRAGMA_(text)
#define TARGET(features) \
    PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))

#define TARGET_AVX2 TARGET(AVX2_FEATURES)
#define TARGET_AVXVNNI TARGET(AVX2_FEATURES ",avxvnni")
#define TARGET_AVX512 TARGET(AVX512_FEATURES)
#define TARGET_VNNI TARGET(AVX512_FEATURES ",avx512vnni")
#define TARGET_AVX512BF16 TARGET(AVX512_FEATURES ",avx512bf16")
#define TARGET_AMX TARGET(AVX512_FEATURES ",avx512bf16,amx-tile,amx-bf16")
#define TARGET_AMX_INT8 TARGET(AVX512_FEATURES ",avx512vnni,amx-tile,amx-int8")
#define TARGET_END _Pragma("clang attribute pop")
