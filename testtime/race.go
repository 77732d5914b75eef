//go:build race

package testtime

// Race reports whether the race detector is on: it makes everything several times slower, so less is done of what is done often.
const Race = true
