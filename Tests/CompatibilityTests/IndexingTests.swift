import MLX
import Testing

/// Index expressions as programs write them: reading, assigning, the update proxy, iteration.
@Suite("Indexing idioms") struct IndexingTests {
    @Test("reading") func reading() {
        let a = MLXArray(0 ..< 24, [2, 3, 4])
        #expect(a[0].shape == [3, 4])
        #expect(a[-1, 2, 3].item(Int.self) == 23)
        #expect(a[0, 1].shape == [4])
        #expect(a[0 ..< 1].shape == [1, 3, 4])
        #expect(a[.ellipsis, 1].shape == [2, 3])
        #expect(a[.ellipsis, 0].shape == [2, 3])
        #expect(a[0..., 1 ... 2].shape == [2, 2, 4])
        #expect(a[..<1, 1..., 2 ..< 4].shape == [1, 2, 2])
        #expect(a[...(-2)].shape == [1, 3, 4])
        #expect(a[.newAxis, 0].shape == [1, 3, 4])
        #expect(a[0, .newAxis, .ellipsis, .newAxis].shape == [1, 3, 4, 1])
        #expect(a[.stride(by: -1)][0, 0, 0].item(Int.self) == 12)
        #expect(a[0..., .stride(from: 0, to: 3, by: 2)].shape == [2, 2, 4])
        #expect(a[stride(by: 2)].shape == [1, 3, 4])
        #expect(a[MLXArray([1, 0])].shape == [2, 3, 4])
        #expect(a[0..., MLXArray([0, 2]), 0].shape == [2, 2])
        #expect(a[[0, 2]].item(Int.self, at: 0) == 8)
        #expect(a[0, stream: .cpu].shape == [3, 4])
        let list: [any MLXArrayIndex] = [0, 1 ..< 3]
        #expect(a[list].shape == [2, 4])
        let i = 1
        #expect(a[i, 0 ..< i + 1].shape == [2, 4])
    }

    @Test("assigning through a let") func assigning() {
        let a = MLXArray.zeros([3, 4], type: Int32.self)
        let same = a
        a[0] = 7
        a[1, 2] = MLXArray(5)
        a[2, 1 ..< 3] = [8, 9]
        a[.ellipsis, 3] = MLXArray([1, 2, 3])
        #expect(
            same.asArray(Int.self) == [7, 7, 7, 1, 0, 0, 5, 2, 0, 8, 9, 3])
        a[0..., 0] += 1
        a[MLXArray([0, 2])] = MLXArray(0)
        #expect(a.sum().item(Int.self) == 8)
        a[0 ..< 2] *= 2
        a[0] = a[1]
        #expect(a[0].arrayEqual(a[1]).item())
        let b = MLXArray(converting: [0, 0, 0])
        b[1] = 1.5
        #expect(b.asArray(Float.self) == [0, 1.5, 0])
        b[0...] = 2
        #expect(b.sum().item(Float.self) == 6)
    }

    @Test("the update proxy") func updates() {
        let a = MLXArray([1, 2, 3] as [Float])
        let indices = MLXArray([0, 0, 2])
        #expect(a.at[indices].add(1).asArray(Float.self) == [3, 2, 4])
        #expect(a.at[0].subtract(1).asArray(Float.self) == [0, 2, 3])
        #expect(a.at[1...].multiply(2).asArray(Float.self) == [1, 4, 6])
        #expect(a.at[1].divide(2).asArray(Float.self) == [1, 1, 3])
        #expect(a.at[indices].maximum(2).asArray(Float.self) == [2, 2, 3])
        #expect(a.at[0..., stream: .cpu].minimum(2).asArray(Float.self) == [1, 2, 2])
    }

    @Test("rows of an array") func rows() {
        let a = MLXArray(0 ..< 6, [3, 2])
        var sums: [Int] = []
        for row in a { sums.append(row.sum().item()) }
        #expect(sums == [1, 5, 9])
        #expect(a.map { $0.shape } == [[2], [2], [2]])
        #expect(Array(a).count == 3)
        for (index, row) in a.enumerated() {
            #expect(row[0].item(Int.self) == index * 2)
        }
        #expect(zip(a, a).allSatisfy { ($0 .== $1).all().item() })
    }

    @available(*, deprecated) @Test("forms that mlx-swift deprecates") func deprecatedForms() {
        let a = MLXArray(0 ..< 12, [3, 4])
        #expect(a[1, axis: 1].asArray(Int.self) == [1, 5, 9])
        #expect(a[1 ..< 3, axis: 0].shape == [2, 4])
        #expect(a[1..., axis: -1].shape == [3, 3])
        #expect(a[from: 0, to: 4, stride: 2, axis: 1].shape == [3, 2])
        #expect(a[stride: 2].shape == [3, 2])
        #expect(a.asData(noCopy: false).count == 48)
    }

    @available(*, deprecated) @Test("forms that mlx-swift deprecates may be assigned to")
    func deprecatedAssignments() {
        func changed(_ change: (inout MLXArray) -> Void) -> [Int] {
            var a = MLXArray(0..<6, [2, 3])
            change(&a)
            return a.asArray(Int.self)
        }
        #expect(changed { $0[1, axis: 1] = MLXArray([7, 8]) } == [0, 7, 2, 3, 8, 5])
        #expect(changed { $0[-1, axis: 0] = MLXArray(9) } == [0, 1, 2, 9, 9, 9])
        #expect(changed { $0[1..<3, axis: -1] = MLXArray(9) } == [0, 9, 9, 3, 9, 9])
        #expect(changed { $0[1..., axis: 0] = MLXArray([7, 8, 9]) } == [0, 1, 2, 7, 8, 9])
        #expect(changed { $0[stride: 2] = MLXArray(9) } == [9, 1, 9, 9, 4, 9])
        #expect(
            changed { $0[stride: -1, axis: 0] = MLXArray(0..<6, [2, 3]) } == [3, 4, 5, 0, 1, 2])
        #expect(
            changed { $0[from: 1, to: 3, stride: 1, axis: 1] = MLXArray([7, 8]) } == [
                0, 7, 8, 3, 7, 8,
            ])
        let wrong = MLXArray(0..<6, [2, 3])
        wrong[stride: 1, axis: 5] = MLXArray(1)
        let error = #expect(throws: ArrayError.self) { try checkedEval(wrong) }
        #expect(error?.kind == .axis)
    }

    @Test("windows are read in their own order") func windows() {
        let a = MLXArray(0..<12, [3, 4])
        #expect(a[0..., 1].asArray(Int.self) == [1, 5, 9])
        #expect(a[1..<3, 2...].asArray(Int32.self) == [6, 7, 10, 11])
        #expect(a.T.asArray(Int.self) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
        #expect(a.T[1..<3].asArray(Int.self) == [1, 5, 9, 2, 6, 10])
        #expect(a[.stride(by: -2)].asArray(Int.self) == [8, 9, 10, 11, 0, 1, 2, 3])
        #expect(a[.ellipsis, .stride(by: -1)][0].asArray(Int.self) == [3, 2, 1, 0])
        #expect(broadcast(a[1], to: [2, 4]).asArray(Int.self) == [4, 5, 6, 7, 4, 5, 6, 7])
        #expect(a[2].T.asType(.int8).asArray(Int8.self) == [8, 9, 10, 11])
        #expect(
            asStrided(a, [2, 2], strides: [4, 2], offset: 1).asArray(Int.self) == [1, 3, 5, 7])
        #expect(a[3...].asArray(Int.self) == [])
        #expect(a[1, 2].asArray(Int.self) == [6])
    }

    @Test("picking and shapes") func picking() {
        let a = MLXArray(0 ..< 12, [3, 4])
        #expect(take(a, MLXArray([0, 2]), axis: 1).shape == [3, 2])
        #expect(a.take(MLXArray([5])).item(Int.self) == 5)
        #expect(takeAlong(a, argMax(a, axis: -1, keepDims: true), axis: -1).shape == [3, 1])
        #expect(a.reshaped(2, 6).shape == [2, 6])
        #expect(a.reshaped([4, -1]).shape == [4, 3])
        #expect(a.reshaped(-1).shape == [12])
        #expect(a.flattened().shape == [12])
        #expect(a.transposed().shape == [4, 3])
        #expect(a.transposed(1, 0).shape == [4, 3])
        #expect(a.transposed(axes: [1, 0]).shape == [4, 3])
        #expect(a.expandedDimensions(axis: 0).squeezed().shape == [3, 4])
        #expect(a.expandedDimensions(axes: [0, -1]).shape == [1, 3, 4, 1])
        #expect(a.swappedAxes(0, 1).movedAxis(source: 0, destination: 1).shape == [3, 4])
        #expect(a.split(parts: 2, axis: 1).map(\.shape) == [[3, 2], [3, 2]])
        let (left, right) = a.split(axis: 1)
        #expect(left.shape == right.shape)
        #expect(split(a, indices: [1, 3], axis: 1).map { $0.dim(1) } == [1, 2, 1])
        #expect(concatenated([a, a]).shape == [6, 4])
        #expect(concatenated([a, a], axis: 1).shape == [3, 8])
        #expect(stacked([a, a], axis: -1).shape == [3, 4, 2])
        #expect(broadcast(MLXArray(1), to: [2, 2]).shape == [2, 2])
        #expect(padded(a, width: 1).shape == [5, 6])
        #expect(padded(a, widths: [0, [1, 2]], value: MLXArray(9)).shape == [3, 7])
        #expect(padded(a, width: .init((1, 0)), mode: .edge).shape == [4, 5])
        #expect(tiled(a, repetitions: [2, 1]).shape == [6, 4])
        #expect(repeated(a, count: 2, axis: 0).shape == [6, 4])
        #expect(a.asType(.float32).dtype == .float32)
        #expect(a.asType(Float.self).dtype == .float32)
        #expect(stopGradient(a).shape == [3, 4])
    }
}

extension MLXArray {
    /// One element of the flattened array, as test programs often extend the class.
    fileprivate func item<T: HasDType>(_ type: T.Type, at index: Int) -> T {
        self.flattened()[index].item(type)
    }
}
