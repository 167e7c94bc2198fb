import func MLXLinalg.cholesky
import func MLXLinalg.choleskyInv
import func MLXLinalg.cross
import func MLXLinalg.inv
import func MLXLinalg.lu
import func MLXLinalg.lu_factor
import func MLXLinalg.norm
import func MLXLinalg.qr
import func MLXLinalg.solve
import func MLXLinalg.solveTriangular
import func MLXLinalg.svd
import func MLXLinalg.triInv
import let MLXLinalg.deprecationWarning

// Calls of the functions that module MLXLinalg itself has. Each is imported by name,
// and where MLX has one with other types an argument is written that only the module's own takes.
struct DeprecatedLinalg: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        deprecationWarning
        try f.works(norm(f.x, ord: nil, axes: .init([0]), keepDims: true, stream: .cpu))
        try f.works(norm(f.x, ord: 2, axes: .init([0]), keepDims: true, stream: .cpu))
        try f.works(norm(f.x, ord: nil, axis: 0, keepDims: true, stream: .cpu))
        try f.works(norm(f.x, ord: 2, axis: 0, keepDims: true, stream: .cpu))
        try f.works(norm(f.x, ord: nil, axis: [0, 1], keepDims: true, stream: .cpu))
        try f.works(norm(f.x, ord: 2, axis: [0, 1], keepDims: true, stream: .cpu))
        try f.works(qr(f.x, stream: .cpu))
        try f.works(svd(f.x, stream: .cpu))
        try f.works(inv(f.x, stream: .cpu))
        try f.works(triInv(f.x, upper: false, stream: .cpu))
        try f.works(cholesky(f.x, upper: false, stream: .cpu))
        try f.works(choleskyInv(f.x, upper: false, stream: .cpu))
        try f.works(cross(f.triple, f.triple, axis: 0, stream: .cpu))
        try f.works(lu(f.x, stream: .cpu))
        try f.works(lu_factor(f.x, stream: .cpu))
        try f.works(solve(f.x, f.x, stream: .cpu))
        try f.works(solveTriangular(f.x, f.x, upper: false, stream: .cpu))
    }
}
