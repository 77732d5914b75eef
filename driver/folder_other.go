//go:build !linux

package driver

// anyFolder is what the compiler does not believe to be the current folder: this system has no name for that which would be
// the same everywhere. So debug information names the temporary folder of its build, and the image does not.
const anyFolder = "."
