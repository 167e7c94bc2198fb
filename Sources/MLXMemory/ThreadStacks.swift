import Glibc

// GNU's own, which the module of the C library leaves out. C and Swift pass a pointer alike.
@_silgen_name("pthread_getattr_default_np")
private func readDefault(_ attributes: UnsafeMutablePointer<pthread_attr_t>) -> Int32
@_silgen_name("pthread_setattr_default_np")
private func setDefault(_ attributes: UnsafePointer<pthread_attr_t>) -> Int32

/// Threads get as much stack as `ulimit -s` allows the first one, unless somebody says otherwise. A
/// few kilobytes are too little for Swift's own runtime, which ends the process by a signal.
package enum ThreadStacks {
    /// What the deepest of our threads was seen to use, many times over.
    package static let least = 1 << 20

    /// Makes threads that start from here on have enough, the tasks' ones too.
    package static func ensure() {
        var attributes = pthread_attr_t()
        guard readDefault(&attributes) == 0 else { return }
        defer { pthread_attr_destroy(&attributes) }
        var size = 0
        guard pthread_attr_getstacksize(&attributes, &size) == 0, size < least else { return }
        if pthread_attr_setstacksize(&attributes, least) == 0 {
            _ = setDefault(&attributes)
        }
    }
}
