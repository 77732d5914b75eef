//go:build !race

package driverrun

const raceEnabled = false
