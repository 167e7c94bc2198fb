/// Finds a row of elements in another one in linear time, whatever the two are (Knuth, Morris,
/// Pratt 1977): a needle that almost fits everywhere must not cost its length at every place.
struct TextSearch<Element: Equatable & Sendable>: Sendable {
    let needle: [Element]
    /// The length of the longest proper prefix of the needle that ends at each of its places.
    private let fallback: [Int]

    init(_ needle: [Element]) {
        self.needle = needle
        var table = [Int](repeating: 0, count: needle.count)
        var length = 0
        for index in needle.indices.dropFirst() {
            while length > 0, needle[index] != needle[length] { length = table[length - 1] }
            if needle[index] == needle[length] { length += 1 }
            table[index] = length
        }
        fallback = table
    }

    /// The first places from the left that do not overlap; none for an empty needle.
    /// - Parameter most: how many at most; below 0 all.
    func ranges(in text: ArraySlice<Element>, most: Int = -1) -> [Range<Int>] {
        guard !needle.isEmpty, most != 0 else { return [] }
        var result: [Range<Int>] = []
        var length = 0
        for index in text.indices {
            while length > 0, text[index] != needle[length] { length = fallback[length - 1] }
            if text[index] == needle[length] { length += 1 }
            if length == needle.count {
                result.append(index + 1 - length..<index + 1)
                if result.count == most { break }
                length = 0
            }
        }
        return result
    }
}
