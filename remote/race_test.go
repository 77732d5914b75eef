//go:build race

package remote_test

// raceEnabled: the race detector makes everything several times slower, time limits included.
const raceEnabled = true
