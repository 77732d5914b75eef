package driver

// installCommand is for Homebrew, which has compiler, linker and headers in one.
func installCommand(string) string { return "brew install mingw-w64" }
