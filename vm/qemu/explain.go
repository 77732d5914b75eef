package qemu

import (
	"regexp"
	"strings"
)

const (
	// maxTail is how much of what a program says is kept, in bytes.
	maxTail = 8 << 10
	// maxSaid is how much of that is told.
	maxSaid = 2000
)

// advice is what to do about what QEMU, or qemu-img, says when it fails. The first that fits counts; $1 stands for what was found.
var advice = []struct {
	says   *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`Could not set up host forwarding rule '?tcp:[0-9.]*:(\d+)-`),
		"port $1 of this machine is taken: end what listens there (ss -ltnp), or leave host_port out, and a free one is chosen"},
	{regexp.MustCompile(`Failed to get (?:shared )?"[a-z ]+" lock\s*(?:\n?Is another process using the image \[([^\]]*)\])?`),
		"another program writes to the image $1 (a VM that was started from it, qemu-img): end that; a base image is for reading alone"},
	{regexp.MustCompile(`Could not access KVM kernel module: Permission denied`),
		"you may not use /dev/kvm: add yourself to its group (usermod -aG kvm $$USER, then log in again), or say accel: tcg"},
	{regexp.MustCompile(`Could not access KVM kernel module|failed to initialize kvm`),
		"there is no KVM here: load the module kvm_intel or kvm_amd, turn virtualization on in the firmware's setup, or say accel: tcg, which is many times slower"},
	{regexp.MustCompile(`cannot set up guest memory|Cannot allocate memory`),
		"this machine has not as much memory to spare as the target wants: lower memory, or run fewer guests at a time"},
	{regexp.MustCompile(`(?i)No space left on device`),
		"the disk that has the guest's folder is full: make room there, or set XDG_CACHE_HOME to a folder on another one"},
	{regexp.MustCompile(`Could not open backing file|Could not open '([^']*)': No such file or directory`),
		"a file that the base image is made of is not where the image says: $1"},
	{regexp.MustCompile(`Could not open '([^']*)': Permission denied`),
		"QEMU runs as you, and you may not open $1: have its owner let you read it"},
	{regexp.MustCompile(`(?i)invalid option|is not a valid device model name|not found$|Property '[^']*' not found|unsupported machine type|Parameter '[^']*' is unexpected|unable to find CPU model`),
		"this QEMU does not know an option or a device that it is started with: look at args of the target, or install a newer QEMU"},
}

// explain puts before what a program has said what that means, where that is known.
func explain(said string) string {
	said = strings.TrimSpace(strings.ToValidUTF8(said, "\uFFFD"))
	if len(said) > maxSaid {
		said = "…" + strings.ToValidUTF8(said[len(said)-maxSaid:], "")
	}
	for _, one := range advice {
		if m := one.says.FindStringSubmatchIndex(said); m != nil {
			reason := string(one.says.ExpandString(nil, one.reason, said, m))
			return strings.TrimRight(reason, ": ") + " (it says: " + said + ")"
		}
	}
	return said
}
