import MLX
import Testing

// Calls of `compile` for each number of arguments and results.
extension EveryDeclaration {
    @Test("compiled lists") func compiled() throws {
        let list = compile(inputs: [], outputs: [], shapeless: false) { (arrays: [MLXArray]) in
            [arrays[0] + arrays[1]]
        }
        try works(list([v, v]))
    }

    @Test("compiled functions with one results") func compiled1() throws {
        let f1 = compile(inputs: [], outputs: [], shapeless: false) { (a: MLXArray) -> MLXArray in
            let s = a
            return s
        }
        try works(f1(v))
        let f2 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray) -> MLXArray in
            let s = a + b
            return s
        }
        try works(f2(v, v))
        let f3 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray) -> MLXArray in
            let s = a + b + c
            return s
        }
        try works(f3(v, v, v))
        let f4 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray) -> MLXArray in
            let s = a + b + c + d
            return s
        }
        try works(f4(v, v, v, v))
        let f5 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray) -> MLXArray in
            let s = a + b + c + d + e
            return s
        }
        try works(f5(v, v, v, v, v))
        let f6 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray)
                -> MLXArray in
            let s = a + b + c + d + e + f
            return s
        }
        try works(f6(v, v, v, v, v, v))
        let f7 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray
            ) -> MLXArray in
            let s = a + b + c + d + e + f + g
            return s
        }
        try works(f7(v, v, v, v, v, v, v))
        let f8 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray, h: MLXArray
            ) -> MLXArray in
            let s = a + b + c + d + e + f + g + h
            return s
        }
        try works(f8(v, v, v, v, v, v, v, v))
    }

    @Test("compiled functions with two results") func compiled2() throws {
        let f1 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray) -> (MLXArray, MLXArray) in
            let s = a
            return (s, s + 1)
        }
        try works(f1(v))
        let f2 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray) -> (MLXArray, MLXArray) in
            let s = a + b
            return (s, s + 1)
        }
        try works(f2(v, v))
        let f3 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray) -> (MLXArray, MLXArray) in
            let s = a + b + c
            return (s, s + 1)
        }
        try works(f3(v, v, v))
        let f4 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray) -> (MLXArray, MLXArray) in
            let s = a + b + c + d
            return (s, s + 1)
        }
        try works(f4(v, v, v, v))
        let f5 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray) -> (
                MLXArray, MLXArray
            ) in
            let s = a + b + c + d + e
            return (s, s + 1)
        }
        try works(f5(v, v, v, v, v))
        let f6 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray) -> (
                MLXArray, MLXArray
            ) in
            let s = a + b + c + d + e + f
            return (s, s + 1)
        }
        try works(f6(v, v, v, v, v, v))
        let f7 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray
            ) -> (MLXArray, MLXArray) in
            let s = a + b + c + d + e + f + g
            return (s, s + 1)
        }
        try works(f7(v, v, v, v, v, v, v))
        let f8 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray, h: MLXArray
            ) -> (MLXArray, MLXArray) in
            let s = a + b + c + d + e + f + g + h
            return (s, s + 1)
        }
        try works(f8(v, v, v, v, v, v, v, v))
    }

    @Test("compiled functions with three results") func compiled3() throws {
        let f1 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray) -> (MLXArray, MLXArray, MLXArray) in
            let s = a
            return (s, s + 1, s + 2)
        }
        try works(f1(v))
        let f2 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray) -> (MLXArray, MLXArray, MLXArray) in
            let s = a + b
            return (s, s + 1, s + 2)
        }
        try works(f2(v, v))
        let f3 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray) -> (MLXArray, MLXArray, MLXArray) in
            let s = a + b + c
            return (s, s + 1, s + 2)
        }
        try works(f3(v, v, v))
        let f4 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray) -> (MLXArray, MLXArray, MLXArray)
            in
            let s = a + b + c + d
            return (s, s + 1, s + 2)
        }
        try works(f4(v, v, v, v))
        let f5 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray) -> (
                MLXArray, MLXArray, MLXArray
            ) in
            let s = a + b + c + d + e
            return (s, s + 1, s + 2)
        }
        try works(f5(v, v, v, v, v))
        let f6 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray) -> (
                MLXArray, MLXArray, MLXArray
            ) in
            let s = a + b + c + d + e + f
            return (s, s + 1, s + 2)
        }
        try works(f6(v, v, v, v, v, v))
        let f7 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray
            ) -> (MLXArray, MLXArray, MLXArray) in
            let s = a + b + c + d + e + f + g
            return (s, s + 1, s + 2)
        }
        try works(f7(v, v, v, v, v, v, v))
        let f8 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray, h: MLXArray
            ) -> (MLXArray, MLXArray, MLXArray) in
            let s = a + b + c + d + e + f + g + h
            return (s, s + 1, s + 2)
        }
        try works(f8(v, v, v, v, v, v, v, v))
    }

    @Test("compiled functions with four results") func compiled4() throws {
        let f1 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray) in
            let s = a
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f1(v))
        let f2 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray) in
            let s = a + b
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f2(v, v))
        let f3 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray) in
            let s = a + b + c
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f3(v, v, v))
        let f4 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray) -> (
                MLXArray, MLXArray, MLXArray, MLXArray
            ) in
            let s = a + b + c + d
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f4(v, v, v, v))
        let f5 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray) -> (
                MLXArray, MLXArray, MLXArray, MLXArray
            ) in
            let s = a + b + c + d + e
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f5(v, v, v, v, v))
        let f6 = compile(inputs: [], outputs: [], shapeless: false) {
            (a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray) -> (
                MLXArray, MLXArray, MLXArray, MLXArray
            ) in
            let s = a + b + c + d + e + f
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f6(v, v, v, v, v, v))
        let f7 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray
            ) -> (MLXArray, MLXArray, MLXArray, MLXArray) in
            let s = a + b + c + d + e + f + g
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f7(v, v, v, v, v, v, v))
        let f8 = compile(inputs: [], outputs: [], shapeless: false) {
            (
                a: MLXArray, b: MLXArray, c: MLXArray, d: MLXArray, e: MLXArray, f: MLXArray,
                g: MLXArray, h: MLXArray
            ) -> (MLXArray, MLXArray, MLXArray, MLXArray) in
            let s = a + b + c + d + e + f + g + h
            return (s, s + 1, s + 2, s + 3)
        }
        try works(f8(v, v, v, v, v, v, v, v))
    }
}
