/// The version, in one place: the command, the Python package and `Scripts/release` read it here.
package enum Version {
    /// That of the mlx-swift whose API this is: major and minor number are mlx-swift's, so that
    /// packages that ask for a range of its versions get ours through a mirror.
    package static let number = "0.31.6"
}
