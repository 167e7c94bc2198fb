// The LAPACK routines that are called here, as libopenblas exports them: Fortran's calling
// convention, every argument by address, matrices column-major. Lengths of character arguments
// follow the others; for one-letter arguments they are one each.
#pragma once
#include <stddef.h>

typedef struct { float re, im; } mlx_lapack_c32;

#define MLX_LAPACK_REAL(T, p)                                                             \
    void p##gesdd_(const char *jobz, const int *m, const int *n, T *a, const int *lda, T *s, \
                   T *u, const int *ldu, T *vt, const int *ldvt, T *work, const int *lwork, \
                   int *iwork, int *info, size_t);                                        \
    void p##geqrf_(const int *m, const int *n, T *a, const int *lda, T *tau, T *work,     \
                   const int *lwork, int *info);                                          \
    void p##orgqr_(const int *m, const int *n, const int *k, T *a, const int *lda,        \
                   const T *tau, T *work, const int *lwork, int *info);                   \
    void p##getrf_(const int *m, const int *n, T *a, const int *lda, int *ipiv, int *info); \
    void p##getrs_(const char *trans, const int *n, const int *nrhs, const T *a,          \
                   const int *lda, const int *ipiv, T *b, const int *ldb, int *info, size_t); \
    void p##potrf_(const char *uplo, const int *n, T *a, const int *lda, int *info, size_t); \
    void p##trtri_(const char *uplo, const char *diag, const int *n, T *a, const int *lda, \
                   int *info, size_t, size_t);                                            \
    void p##trtrs_(const char *uplo, const char *trans, const char *diag, const int *n,   \
                   const int *nrhs, const T *a, const int *lda, T *b, const int *ldb,     \
                   int *info, size_t, size_t, size_t);                                    \
    void p##syevd_(const char *jobz, const char *uplo, const int *n, T *a, const int *lda, T *w, \
                   T *work, const int *lwork, int *iwork, const int *liwork, int *info,   \
                   size_t, size_t);                                                       \
    void p##sytrd_(const char *uplo, const int *n, T *a, const int *lda, T *d, T *e, T *tau, \
                   T *work, const int *lwork, int *info, size_t);                         \
    void p##stedc_(const char *compz, const int *n, T *d, T *e, T *z, const int *ldz, T *work, \
                   const int *lwork, int *iwork, const int *liwork, int *info, size_t);   \
    void p##ormtr_(const char *side, const char *uplo, const char *trans, const int *m,   \
                   const int *n, const T *a, const int *lda, const T *tau, T *c,          \
                   const int *ldc, T *work, const int *lwork, int *info, size_t, size_t, size_t); \
    void p##gebrd_(const int *m, const int *n, T *a, const int *lda, T *d, T *e, T *tauq, \
                   T *taup, T *work, const int *lwork, int *info);                        \
    void p##bdsdc_(const char *uplo, const char *compq, const int *n, T *d, T *e, T *u,   \
                   const int *ldu, T *vt, const int *ldvt, T *q, int *iq, T *work, int *iwork, \
                   int *info, size_t, size_t);                                            \
    void p##ormbr_(const char *vect, const char *side, const char *trans, const int *m,   \
                   const int *n, const int *k, const T *a, const int *lda, const T *tau, T *c, \
                   const int *ldc, T *work, const int *lwork, int *info, size_t, size_t, size_t); \
    void p##geev_(const char *jobvl, const char *jobvr, const int *n, T *a, const int *lda, \
                  T *wr, T *wi, T *vl, const int *ldvl, T *vr, const int *ldvr, T *work,  \
                  const int *lwork, int *info, size_t, size_t);

MLX_LAPACK_REAL(float, s)
MLX_LAPACK_REAL(double, d)

void cgeev_(const char *jobvl, const char *jobvr, const int *n, mlx_lapack_c32 *a, const int *lda,
            mlx_lapack_c32 *w, mlx_lapack_c32 *vl, const int *ldvl, mlx_lapack_c32 *vr,
            const int *ldvr, mlx_lapack_c32 *work, const int *lwork, float *rwork, int *info,
            size_t, size_t);
void cgetrf_(const int *m, const int *n, mlx_lapack_c32 *a, const int *lda, int *ipiv, int *info);
void cgetrs_(const char *trans, const int *n, const int *nrhs, const mlx_lapack_c32 *a,
             const int *lda, const int *ipiv, mlx_lapack_c32 *b, const int *ldb, int *info, size_t);
void cheevd_(const char *jobz, const char *uplo, const int *n, mlx_lapack_c32 *a, const int *lda,
             float *w, mlx_lapack_c32 *work, const int *lwork, float *rwork, const int *lrwork,
             int *iwork, const int *liwork, int *info, size_t, size_t);
void cgesdd_(const char *jobz, const int *m, const int *n, mlx_lapack_c32 *a, const int *lda,
             float *s, mlx_lapack_c32 *u, const int *ldu, mlx_lapack_c32 *vt, const int *ldvt,
             mlx_lapack_c32 *work, const int *lwork, float *rwork, int *iwork, int *info, size_t);
