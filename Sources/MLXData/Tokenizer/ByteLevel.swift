/// GPT-2's alphabet: every byte is a visible character, so that any text can be spelled and no
/// token holds white space.
enum ByteLevel {
    /// GPT-2's own words: contractions, letters, numbers, other characters, white space.
    static let expression =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// The character of each byte: itself where it is visible, one from 256 on elsewhere.
    static let characters: [Unicode.Scalar] = {
        var next: UInt32 = 256
        return (0..<256).map { byte in
            let byte = UInt32(byte)
            if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            {
                return Unicode.Scalar(byte)!
            }
            defer { next += 1 }
            return Unicode.Scalar(next)!
        }
    }()

    private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
        uniqueKeysWithValues: characters.enumerated().map { ($1, UInt8($0)) })

    /// The byte that a character stands for.
    static func byte(of character: Unicode.Scalar) -> UInt8? { bytes[character] }

    static func spelled(_ scalars: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        for scalar in scalars {
            for byte in UTF8.encode(scalar)! { result.append(characters[Int(byte)]) }
        }
        return result
    }

    static func pieces(
        _ piece: PreTokenizer.Piece, _ addsPrefixSpace: Bool, _ split: TextPattern?,
        _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [PreTokenizer.Piece] {
        var piece = piece
        if addsPrefixSpace, piece.scalars.first != " " {
            piece.scalars = ([" "] + piece.scalars)[...]
        }
        var parts = [piece]
        if let split {
            parts = SplitBehavior.isolated.cut(
                piece, try split.matches(piece.scalars, budget), invert: false)
        }
        return parts.map {
            PreTokenizer.Piece(scalars: spelled($0.scalars)[...], isFirst: $0.isFirst)
        }
    }
}
