// Package hyperv is the virtual machine of a Hyper-V host, which is reached over WinRM from anywhere, or is this machine.
//
//	targets:
//	  win11:
//	    provider: hyperv
//	    host: {url: "https://hv1:5986", user: lab, password_env: HV1_PASSWORD}
//	    vm: win11-test
//	    checkpoint: clean
//	    user: tester
//	    password_env: WIN11_PASSWORD
//
// Each script (scripts/) does one thing on the host, by package powershell. A lease's record says which machine on which host
// it is; the host has the machine, so one whose controller was killed goes on, is adopted when the run is resumed, and is ended by
// `wskharness vm down --all`.
//
// What becomes of the machine is read in the host's event log, where the process that runs it writes that the guest crashed,
// with stop code and parameters, was turned off, or reset: nothing in the guest is needed for that. The log is followed by the
// numbers of its records. What we have ordered ourselves is in it, too; its records are those before the mark that the script
// which gave the order ends with.
//
// # What Hyper-V has not
//
// There is no dump of the memory from outside that a debugger reads: a saved state needs tools of Microsoft's that come with no
// Windows. A guest that hangs gets an NMI, and writes the dump itself. The console is not recorded: what a guest prints to a serial
// port is kept by nobody until somebody reads the pipe that the port is connected to, on the host.
package hyperv
