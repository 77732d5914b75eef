package driver

// anyFolder is a true name of the current folder, whatever its own name is. The compiler believes PWD
// when it is true, so this is what it writes into debug information, and prefix maps can name it.
const anyFolder = "/proc/self/cwd"
