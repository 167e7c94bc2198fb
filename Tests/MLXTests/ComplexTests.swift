import MLX
import Testing

/// Complex numbers through the families that take them.
@Suite("Complex numbers") struct ComplexTests {
    private let z = MLXArray([
        Complex<Float>(1, 2), Complex<Float>(-3, 0.5), Complex<Float>(0, -1),
    ])

    @Test("sums, products and means") func reductions() {
        #expect(z.sum().item(Complex<Float>.self) == Complex(-2, 1.5))
        let product = Complex<Float>(1, 2) * Complex(-3, 0.5) * Complex(0, -1)
        #expect(z.product().item(Complex<Float>.self) == product)
        #expect(z.mean().dtype == .complex64)
    }

    @Test("arithmetic, magnitude and parts") func arithmetic() {
        #expect((z * z)[2].item(Complex<Float>.self) == Complex(-1, 0))
        #expect(abs(z)[2].item(Float.self) == 1)
        #expect(z.realPart().asArray(Float.self) == [1, -3, 0])
        #expect(z.imaginaryPart().asArray(Float.self) == [2, 0.5, -1])
        #expect(conjugate(z)[0].item(Complex<Float>.self) == Complex(1, -2))
    }

    @Test("matrix products") func products() {
        let a = z.reshaped(1, 3)
        #expect(matmul(a, a.T).item(Complex<Float>.self) == (z * z).sum().item())
    }
}
