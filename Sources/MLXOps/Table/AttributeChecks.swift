import MLXBase

/// What attributes must be. The functions that record for users make good ones; those of an
/// imported function or of the command line may say anything, and kernels trust them. `form` is
/// asked of every row before its own rules, the others are what shape rules ask.
enum AttributeChecks {
    /// Attributes lie where the row's form has them, and nowhere else.
    static func form(_ context: RuleContext) throws(ArrayError) {
        let attributes = context.attributes
        let names = context.row.attributeNames
        if context.row.attributeForm.isWord {
            guard attributes.words.isEmpty else {
                throw context.error(.argument, "takes one word of attributes")
            }
            guard !names.isEmpty || attributes.word == 0 else {
                throw context.error(.argument, "takes no attributes")
            }
            return
        }
        guard attributes.word == 0 else {
            throw context.error(.argument, "takes its attributes as a list, not as one word")
        }
        if !names.contains(where: { $0.hasSuffix("…") }) { try count(context, names.count) }
    }

    /// A yes or no among the words.
    static func flag(_ context: RuleContext, _ index: Int) throws(ArrayError) {
        let word = context.attributes.words[index]
        guard word == 0 || word == 1 else {
            throw context.error(
                .argument, "\(context.row.attributeNames[index]) is 0 or 1, not \(word)")
        }
    }

    /// - Throws: unless there are exactly `count` words.
    static func count(_ context: RuleContext, _ count: Int) throws(ArrayError) {
        let words = context.attributes.words
        guard words.count == count else {
            throw context.error(.argument, "takes \(count) attributes, not \(words.count)")
        }
    }

    /// An axis in the word.
    static func axis(_ context: RuleContext, rank: Int) throws(ArrayError) -> Int {
        let word = context.attributes.word
        guard word < UInt64(rank) else {
            throw context.error(.axis, "axis \(word) of an array with \(rank) axes")
        }
        return Int(word)
    }

    /// An axis mask in the word.
    static func axisMask(_ context: RuleContext, rank: Int) throws(ArrayError) -> AxisMask {
        let word = context.attributes.word
        guard word & ~(1 << 16 | (1 << UInt64(rank) - 1)) == 0 else {
            throw context.error(.axis, "axis mask \(word) of an array with \(rank) axes")
        }
        return AxisMask(word)
    }

    /// A window of `sizes` elements, from the words' starts with the words' steps.
    static func window(
        _ context: RuleContext, of shape: Shape, sizes: Shape
    ) throws(ArrayError) {
        try count(context, 2 * shape.ndim)
        guard sizes.ndim == shape.ndim else {
            throw context.error(.shape, "a window of shape \(sizes) onto \(shape)")
        }
        let words = context.attributes.words
        for axis in 0..<shape.ndim {
            let (start, step) = (words[axis], words[shape.ndim + axis])
            let (reach, o1) = (max(sizes[axis], 1) - 1).multipliedReportingOverflow(by: step)
            let (last, o2) = start.addingReportingOverflow(reach)
            // A window without elements may stand at the end. A step that is never made is one of
            // the axis all the same: strides are multiplied by it.
            let room = sizes[axis] > 0 ? shape[axis] : shape[axis] + 1
            guard !o1, !o2, start >= 0, start < room, last >= 0, last < room,
                step.magnitude <= max(shape[axis], 1)
            else {
                throw context.error(
                    .index,
                    "\(sizes[axis]) elements from \(start) in steps of \(step) do not lie within"
                        + " axis \(axis) of \(shape)")
            }
        }
    }

    /// The indexed axes and the window of a gather or scatter, in the words.
    static func indexing(
        _ context: RuleContext, indexCount: Int
    ) throws(ArrayError) -> ArraySlice<Int> {
        let x = context.shapes[0]
        try count(context, x.ndim + 1)
        let mask = context.attributes.words[0]
        let window = context.attributes.words.dropFirst()
        guard mask >= 0, mask < 1 << x.ndim, mask.nonzeroBitCount == indexCount else {
            throw context.error(
                .argument, "axis mask \(mask) for \(indexCount) index arrays and \(x.ndim) axes")
        }
        for (axis, size) in window.enumerated() where mask >> axis & 1 == 1 && size != 1 {
            throw context.error(.argument, "takes \(size) elements of the indexed axis \(axis)")
        }
        return window
    }
}
