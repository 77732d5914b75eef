//go:build race

package driverrun

// raceEnabled: the race detector makes everything several times slower, so less is done of what is done often.
const raceEnabled = true
