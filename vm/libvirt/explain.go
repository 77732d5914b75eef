package libvirt

import (
	"errors"
	"fmt"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// advice is what to do where a daemon's words are these. It has few codes, of which the commonest is "internal error": what
// happened is in the words, which are those of libvirt, QEMU and qemu-img.
var advice = []struct {
	code  golibvirt.ErrorNumber // 0: any
	words string                // in lower case; "": whatever it says
	do    string
}{
	{0, "no space left on device", "the disk of that host is full: free some, or name a storage pool elsewhere with pool:"},
	{0, "disk quota exceeded", "the quota of that host's storage is used up: free some, or name a storage pool elsewhere with pool:"},
	{0, "read-only file system", "libvirtd can't write there: name a storage pool elsewhere with pool:"},
	{0, `failed to get "write" lock`, "somebody else has that image open for writing: another domain, or qemu-img"},
	{0, `failed to get shared "write" lock`, "somebody else has that image open for writing: another domain, or qemu-img"},
	{0, "failed to get \"consistent read\" lock", "somebody else has that image open for writing: another domain, or qemu-img"},
	{0, "no polkit agent available", "be a member of the group libvirt there (as root: usermod -aG libvirt USER, and log in anew)"},
	{0, "virtlogd", "start virtlogd on that host (systemctl start virtlogd.socket): no domain starts without it"},
	{0, "could not access kvm", "let QEMU's user on that host use /dev/kvm, or give the domain type='qemu'"},
	{0, "permission denied", "libvirtd, or the user that QEMU runs as there (libvirt-qemu, qemu), may not do that: " +
		"put images into a storage pool of libvirt's (/var/lib/libvirt/images), or give that user the right to the file and its folders"},
	{golibvirt.ErrAuthFailed, "", "the daemon does not let this user in: be a member of the group libvirt there, or log on as another user"},
	{golibvirt.ErrAuthUnavailable, "", "the daemon wants a way to log on that is not known here: ssh, TLS, and sockets that a group may use are"},
	{golibvirt.ErrAccessDenied, "", "the daemon's access rules (polkit) forbid that to this user"},
	{golibvirt.ErrOperationDenied, "", "the daemon lets this user only look: connect as one that may change things"},
	{golibvirt.ErrNoDomain, "", "virsh list --all shows the domains that are there"},
	{golibvirt.ErrNoDomainSnapshot, "", "virsh snapshot-list DOMAIN shows those that are there, and virsh snapshot-create-as DOMAIN NAME makes one"},
	{golibvirt.ErrNoStorageVol, "", "the image is missing, or new to its storage pool, which looks again at: virsh pool-refresh POOL"},
	{golibvirt.ErrNoStoragePool, "", "virsh pool-list --all shows the storage pools that are there; pool: names one"},
}

// explain adds to a daemon's error what to do about it.
func explain(err error) error {
	if errors.Is(err, golibvirt.ErrUnsupported) {
		return fmt.Errorf("%w: this libvirt is too old for it", err)
	}
	said, ok := errors.AsType[golibvirt.Error](err)
	if !ok {
		return err
	}
	words := strings.ToLower(said.Message)
	for _, row := range advice {
		if (row.code == 0 || uint32(row.code) == said.Code) && strings.Contains(words, row.words) {
			return fmt.Errorf("%w; %s", err, row.do)
		}
	}
	return err
}
