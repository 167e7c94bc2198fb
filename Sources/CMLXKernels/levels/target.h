// The target attributes of the levels, pushed around the level sources.
#pragma once
#define TARGET_AVX2 \
    _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt\"))), apply_to = function)")
#define TARGET_AVX512 \
    _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512cd\"))), apply_to = function)")
#define TARGET_VNNI \
    _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni\"))), apply_to = function)")
#define TARGET_END _Pragma("clang attribute pop")
