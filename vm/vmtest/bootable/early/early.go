// Package early is what the programs of small Linux guests have in common, each of which is the first and only program of its
// machine: devices, network, console, power. It is for Linux, and for nothing that is no virtual machine.
package early

// Config is what package bootable has put into the initrd for the guest's program: whom its endpoint knows, and its
// certificate and key as PEM.
type Config struct{ User, Password, Certificate, Key string }
