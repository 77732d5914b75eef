package hyperv

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"wskharness/guest/untrusted"
	"wskharness/vm/powershell"
	"wskharness/winerr"
)

// hintError is a failure with what to do about it.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() + ": " + e.hint }
func (e *hintError) Unwrap() error { return e.err }

// wmiCode is what a method of Hyper-V's WMI provider returns, as it stands in some messages ("RequestStateChange method of the
// Msvm_ComputerSystem class", "ApplySnapshot method of the Msvm_VirtualSystemSnapshotService class").
var wmiCode = regexp.MustCompile(`\b327(?:6[89]|7[0-8])\b`)

// The numbers that are told apart, beside those of Win32: HRESULTs of the virtual disk service and of WMI.
const (
	wmiAccessDenied      = 0x80041003 // WBEM_E_ACCESS_DENIED
	diskChainMismatch    = 0xC03A000E // ERROR_VHD_CHILD_PARENT_ID_MISMATCH, as the severity of an NTSTATUS has it
	diskChainTimestamp   = 0xC03A000F
	errorNotEnoughMemory = 8
	errorOutOfMemory     = 14
	errorNoResources     = 1450 // ERROR_NO_SYSTEM_RESOURCES
	errorDiskFull        = 112
	errorSharing         = 32
	errorLocked          = 33
	errorNoFile          = 2
	errorNoPath          = 3
	errorAccessDenied    = 5
)

// cause is why a host could not do what it was asked, and what to do then.
type cause struct {
	words []string       // of the error's id, without regard to case
	win32 []winerr.Win32 // its numbers, as HRESULT
	codes []uint32       // and others
	wmi   []string       // what WMI has returned
	only  func(e *powershell.Error) bool
	hint  string
}

// causes are those that documentation and reports name. Words and numbers are the same in every language; the first that fits is
// told. The words are those of Microsoft.HyperV.PowerShell's errors.
var causes = []cause{
	{words: []string{"CommandNotFoundException", "CouldNotAutoLoadModule", "Modules_ModuleNotFound", "CouldNotAutoloadMatchingModule"},
		hint: "the host has no Hyper-V module for PowerShell, or is no Hyper-V host: on Server, Install-WindowsFeature Hyper-V -IncludeManagementTools; " +
			"else Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All, and a reboot"},
	{words: []string{"Modules_PSEditionNotSupported"},
		hint: "this PowerShell can't use the host's Hyper-V module: update the host, or use Windows PowerShell 5.1"},
	{words: []string{"UnauthorizedAccessException"}, only: readsLog,
		hint: "the account may not read the host's event log, by which crashes are seen: Add-LocalGroupMember -SID S-1-5-32-573 -Member ACCOUNT (Event Log Readers)"},
	{words: []string{"AccessDenied", "UnauthorizedAccessException"}, win32: []winerr.Win32{errorAccessDenied}, codes: []uint32{wmiAccessDenied}, wmi: []string{"32769"},
		only: func(e *powershell.Error) bool { return e.Activity != "Start-VM" },
		hint: "the account may not use Hyper-V there: Add-LocalGroupMember -SID S-1-5-32-578 -Member ACCOUNT (Hyper-V Administrators), and log on anew; " +
			"on this machine, run the harness as such an account, or elevated"},
	{words: []string{"AccessDenied"}, win32: []winerr.Win32{errorAccessDenied},
		hint: "the VM may not open one of its files: icacls FILE /grant \"NT VIRTUAL MACHINE\\VM-ID:(F)\" mends one that was copied"},
	{words: []string{"OutOfMemory"}, win32: []winerr.Win32{errorNotEnoughMemory, errorOutOfMemory, errorNoResources}, wmi: []string{"32778"},
		hint: "the host has not enough memory free: turn off other VMs, or give this one less (Set-VMMemory)"},
	{words: []string{"ObjectInUse", "InUse"}, win32: []winerr.Win32{errorSharing, errorLocked}, wmi: []string{"32774"},
		hint: "a file of the VM is in use: by another VM that has the same disk, a disk that is mounted on the host, a backup, or a virus scanner (Get-VHD, Dismount-VHD)"},
	{win32: []winerr.Win32{errorDiskFull}, hint: "the host's disk is full: checkpoints grow there, and merge only when they are removed"},
	{codes: []uint32{diskChainMismatch, diskChainTimestamp},
		hint: "the VM's chain of disks is broken: one below a checkpoint was changed by itself; make the checkpoint anew, from a whole disk"},
	{win32: []winerr.Win32{errorNoFile, errorNoPath}, hint: "a file of the VM is not there: look at its disks and ISOs (Get-VMHardDiskDrive, Get-VMDvdDrive)"},
	{words: []string{"ObjectNotFound"}, only: func(e *powershell.Error) bool { return e.Activity == "Get-VM" || strings.HasSuffix(e.ID, ".GetVM") },
		hint: "is the Hyper-V Virtual Machine Management service (vmms) running on the host? Start-Service vmms"},
	{words: []string{"InvalidParameter"}, only: func(e *powershell.Error) bool { return strings.HasSuffix(e.ID, ".GetVM") },
		hint: "the VM is not there any more: who else works with it?"},
	{words: []string{"NoMatchingLogsFound", "EventLogNotFoundException"}, hint: "the host does not have Hyper-V's event logs: is its role installed whole?"},
	{words: []string{"InvalidState"}, wmi: []string{"32775"},
		hint: "the VM does not allow that in the state that it is in: Get-VM shows it; one that is critical has lost its storage"},
	{words: []string{"Timeout", "OperationTimeout"}, wmi: []string{"32772"}, hint: "the host is too busy, or its storage does not answer"},
}

func readsLog(e *powershell.Error) bool {
	for _, x := range e.Exceptions {
		if strings.HasPrefix(x.Type, "System.Diagnostics.Eventing.") || strings.Contains(x.Message, "ReadEvent") || strings.Contains(x.Message, "EventLogReader") {
			return true
		}
	}
	return false
}

// fits reports whether an error is of that cause.
func (c *cause) fits(e *powershell.Error) bool {
	if c.only != nil && !c.only(e) {
		return false
	}
	for _, word := range c.words {
		if strings.EqualFold(e.Word(), word) {
			return true
		}
	}
	for _, code := range c.win32 {
		if e.Win32(code) {
			return true
		}
	}
	for _, code := range c.codes {
		if e.Has(code) {
			return true
		}
	}
	for _, x := range e.Exceptions {
		for _, found := range wmiCode.FindAllString(x.Message, -1) {
			for _, code := range c.wmi {
				if code == found {
					return true
				}
			}
		}
	}
	return false
}

// explain adds to what a script has failed with what to do about it, where that is known.
func explain(err error) error {
	failed, ok := errors.AsType[*powershell.Error](err)
	if !ok {
		return err
	}
	for _, c := range causes {
		if c.fits(failed) {
			return &hintError{err, c.hint}
		}
	}
	return err
}

// meant is the one machine that a name stands for, and its checkpoint of another name, which may be empty.
func meant(l looked, host fmt.Stringer, name, at string) (found, checkpoint, error) {
	switch len(l.Machines) {
	case 0:
		if !l.Allowed {
			return found{}, checkpoint{}, fmt.Errorf("%s shows no VM %s to %s, which is neither an administrator nor in its group Hyper-V Administrators: "+
				"Add-LocalGroupMember -SID S-1-5-32-578 -Member %[3]s, and log on anew", host, name, clean(l.Account))
		}
		return found{}, checkpoint{}, fmt.Errorf("%s has no VM %s: Get-VM lists those that it has", host, name)
	case 1:
	default:
		var ids []string
		for _, m := range l.Machines[:min(len(l.Machines), 8)] {
			ids = append(ids, fmt.Sprintf("%.40q", m.ID))
		}
		return found{}, checkpoint{}, fmt.Errorf("%s has %d VMs %s: say which by its id, one of %s", host, len(l.Machines), name, strings.Join(ids, ", "))
	}
	m := l.Machines[0]
	if !untrusted.IsGUID(m.ID) {
		return found{}, checkpoint{}, fmt.Errorf("%s says of VM %s that its id is %.60q, which is none", host, name, m.ID)
	}
	var of []checkpoint
	var times []string
	for _, c := range m.Checkpoints {
		if (c.Name == at || strings.EqualFold(c.ID, at)) && untrusted.IsGUID(c.ID) {
			of, times = append(of, c), append(times, fmt.Sprintf("%s of %.30q", c.ID, c.Made))
		}
	}
	switch {
	case at == "":
		return m, checkpoint{}, nil
	case len(of) == 1:
		return m, of[0], nil
	case len(of) == 0:
		return m, checkpoint{}, fmt.Errorf("VM %s on %s has no checkpoint %s: make one of its clean state: Checkpoint-VM -Name %[1]s -SnapshotName %[3]s", name, host, at)
	}
	return m, checkpoint{}, fmt.Errorf("VM %s on %s has %d checkpoints %s: remove all but one, or say which by its id: %s", name, host, len(of), at, strings.Join(times, ", "))
}
