// Package windowstest has the Windows build of the program work, on Wine, against a machine that it reaches over the network:
// as a driver developer's computer does. There is nothing in it but this test.
package windowstest
