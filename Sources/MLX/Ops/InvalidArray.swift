import MLXBase
import MLXGraph
import MLXOps

// How the layers above make an array of an error. It is the same kind of array that a wrong
// operation gives: whoever asks for its value gets the error, with the place of the call.

/// An array that carries an error, or passes on the error of an input that is invalid itself.
package func invalidArray(_ error: ArrayError, inputs: [MLXArray] = []) -> MLXArray {
    Ops.invalid(error, inputs: inputs)
}
