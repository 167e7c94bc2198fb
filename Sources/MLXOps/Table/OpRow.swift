import MLXBase
import MLXGraph
import MLXKernels

/// One row of the op table: everything the library knows about an operation. Recording, planning,
/// differentiation, placement, tests, the reference page and the command line all read it here;
/// there is no other list of operations anywhere.
package struct OpRow: Sendable {
    package let code: OpCode
    /// The name in errors, plans, traces and on the command line.
    package let name: String
    /// One line of algebra.
    package let synopsis: String
    /// How many arrays it takes.
    package let arity: ClosedRange<Int>
    package var traits: OpTraits = []
    /// The integer attributes in the order the kernels get them.
    package var attributeNames: [String] = []
    package var attributeForm: AttributeForm = .words
    package var dynamicWords: DynamicWords = .none
    package let dtype: DTypeRule
    package let shape: ShapeRule
    package var vjp: VJPRule = .none
    package var jvp: JVPRule = .transposed
    package var vmap: VMapRule = .each
    /// The function a tape computes per element.
    package var elementwise: Int32?
    /// How much there is to do.
    package let work: OpWork
    /// What computes it, on every general device. Elementwise rows have none: they are steps of a
    /// tape.
    package var kernel: Kernel?
    /// Other kernels, for devices whose engine of products has another algorithm.
    package var specialKernels: KeyValuePairs<ProductEngine, Kernel> = [:]
    /// The input that the kernel may write its result over, when nothing else reads it: the
    /// kernel refuses what it refuses before it writes. Tapes find such inputs by themselves.
    package var overwrites: Int?
    /// Which input the result merely repeats.
    package var identity: OpIdentity = .none
    /// Attributes for an input of any shape, for programs made at random.
    package var draw: DrawRule?
    /// The largest relative difference between devices, in units of the dtype's epsilon; 0 marks
    /// rows that agree bit for bit.
    package var toleranceEpsilons: Double = 0
    /// How far off it may be where inputs are rounded to int8; nil where none are.
    package var errorBound: ErrorBound?
    /// The formula, for tests; those that take more than a line are beside the tests.
    package var reference: OpReference?
    package let samples: SampleRule

    package var isElementwise: Bool { elementwise != nil || traits.contains(.cast) }
    package var isView: Bool { traits.contains(.view) }
}

package struct OpTraits: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    /// The result is a window onto the input whenever its layout allows.
    package static let view = OpTraits(rawValue: 1)
    package static let commutative = OpTraits(rawValue: 2)
    package static let cast = OpTraits(rawValue: 4)
    /// Reports an error that depends on the values (an index out of range).
    package static let mayFail = OpTraits(rawValue: 8)
    /// The result is a new array of the attributes alone.
    package static let generator = OpTraits(rawValue: 32)
    /// Nothing in the attributes depends on the inputs' shapes, so that the operation may be
    /// recorded again, as it is, on inputs of another shape and the same rank.
    package static let shapeless = OpTraits(rawValue: 64)
    /// Needs an object that only its own function makes: attributes alone do not record it.
    package static let needsObject = OpTraits(rawValue: 128)
}

/// How the named attributes lie in a node. There is one form for each row, and recording refuses
/// any other (`AttributeChecks.form`), so that what is checked is what a kernel gets.
package enum AttributeForm: Sendable {
    /// A list of integers for each name, one after the other; nothing where there are no names.
    case words
    /// An `AxisMask` in the word: `axes`, and `keepDims`.
    case axisMask
    /// A `Permutation` in the word.
    case permutation
    /// One integer in the word; 0 where it has no name.
    case integer
    /// The bits of a number for each name, in the result's dtype.
    case scalars

    /// Everything is in the word, and there are no further words.
    var isWord: Bool {
        switch self {
        case .axisMask, .permutation, .integer: true
        case .words, .scalars: false
        }
    }
}

/// Which of a row's words, from the front, are values and not structure: plans are shared between
/// nodes that differ in them alone, so nothing that was checked for one node may hang on them.
package enum DynamicWords: Sendable, BitwiseCopyable {
    case none
    case first(Int32)
    /// The first half: where a window starts, but not its steps.
    case half
    case all

    package func count(of words: Int) -> Int {
        switch self {
        case .none: 0
        case .first(let count): min(Int(count), words)
        case .half: words / 2
        case .all: words
        }
    }
}

/// Which of its inputs a node merely repeats; such a node costs nothing.
package enum OpIdentity: Sendable {
    case none
    /// The first.
    case always
    /// The first, when the shape is the same.
    case ofSameShape
    /// The one whose number the word's lower half says.
    case chosen
}

/// What an operation was asked to do besides its inputs.
package struct Attributes: Sendable {
    /// Attributes that fit one word; structure.
    package var word: UInt64 = 0
    package var words: [Int] = []
    /// The result's shape, where the operation is told it.
    package var outputShape: Shape?
    /// The result's dtype, where the operation is told it.
    package var outputDType: DType?
    /// What no number can say: the rules of a function, the file to read from. Not structure; a
    /// run takes the object of its own node.
    package var object: (any AnyObject & Sendable)?

    package static let none = Attributes()

    package init(
        word: UInt64 = 0, words: [Int] = [], outputShape: Shape? = nil, outputDType: DType? = nil,
        object: (any AnyObject & Sendable)? = nil
    ) {
        self.word = word
        self.words = words
        self.outputShape = outputShape
        self.outputDType = outputDType
        self.object = object
    }
}

/// What shape and dtype rules see.
package struct RuleContext {
    private let place: UnsafePointer<OpRow>
    package let shapes: [Shape]
    package let dtypes: [DType]
    package let attributes: Attributes

    /// The row, lent and not copied.
    package var row: OpRow { _read { yield place.pointee } }

    package init(code: OpCode, shapes: [Shape], dtypes: [DType], attributes: Attributes) {
        place = OpTable.pointer(code)
        self.shapes = shapes
        self.dtypes = dtypes
        self.attributes = attributes
    }

    package func error(_ kind: ArrayError.Kind, _ message: String) -> ArrayError {
        ArrayError(
            kind, row.name, message, shapes: shapes.map(\.array), dtypes: dtypes)
    }
}

/// Decides the dtype that inputs are cast to (nil leaves each as it is) and the result's.
package struct DTypeRule: Sendable {
    package let apply: @Sendable (RuleContext) throws(ArrayError) -> (DType?, DType)
    package init(
        _ apply: @escaping @Sendable (RuleContext) throws(ArrayError) -> (DType?, DType)
    ) {
        self.apply = apply
    }
}

package struct ShapeRule: Sendable {
    package let apply: @Sendable (RuleContext) throws(ArrayError) -> Shape
    package init(_ apply: @escaping @Sendable (RuleContext) throws(ArrayError) -> Shape) {
        self.apply = apply
    }
}

/// Inputs for conformance tests: shapes, attributes and the domain values are drawn from.
package struct SampleRule: Sendable {
    package struct Sample: Sendable {
        package var shapes: [[Int]]
        package var attributes: Attributes
        /// Values lie in this range, for each input.
        package var domains: [ClosedRange<Double>]
        /// The dtypes of inputs that do not follow the tested dtype (indices, conditions).
        package var fixedDTypes: [Int: DType]

        package init(
            _ shapes: [[Int]], _ attributes: Attributes = .none,
            domains: [ClosedRange<Double>] = [], fixedDTypes: [Int: DType] = [:]
        ) {
            self.shapes = shapes
            self.attributes = attributes
            self.domains = domains
            self.fixedDTypes = fixedDTypes
        }
    }

    package let samples: @Sendable () -> [Sample]
    package init(_ samples: @escaping @Sendable () -> [Sample]) { self.samples = samples }
}
