import func MLXFFT.fft
import func MLXFFT.fft2
import func MLXFFT.fftn
import func MLXFFT.ifft
import func MLXFFT.ifft2
import func MLXFFT.ifftn
import func MLXFFT.irfft
import func MLXFFT.irfft2
import func MLXFFT.irfftn
import func MLXFFT.rfft
import func MLXFFT.rfft2
import func MLXFFT.rfftn
import let MLXFFT.deprecationWarning

// Calls of the functions that module MLXFFT itself has. Each is imported by name,
// and where MLX has one with other types an argument is written that only the module's own takes.
struct DeprecatedFourier: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        deprecationWarning
        try f.works(fft(f.x, n: 4, axis: 0, stream: .cpu))
        try f.works(ifft(f.x, n: 4, axis: 0, stream: .cpu))
        try f.works(fft2(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(ifft2(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(fftn(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(ifftn(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(rfft(f.x, n: 4, axis: 0, stream: .cpu))
        try f.works(irfft(f.x, n: 4, axis: 0, stream: .cpu))
        try f.works(rfft2(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(irfft2(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(rfftn(f.x, s: nil, axes: nil, stream: .cpu))
        try f.works(irfftn(f.x, s: nil, axes: nil, stream: .cpu))
    }
}
