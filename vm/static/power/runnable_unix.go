//go:build unix

package power

// runnable is what to see to where a program can not be started.
const runnable = "see that it is there and executable (chmod +x), and in PATH unless a path is given"
