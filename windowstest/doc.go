// Package windowstest has the Windows build of the program work, on Wine, against a machine that it reaches over the network:
// as a driver developer's computer does. Beside that test it gives such a computer ([New]) to whoever runs other programs for
// Windows there: its command packages runs every package's own tests on it.
package windowstest
