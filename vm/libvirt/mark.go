package libvirt

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/vm/lease"
)

// markSpace is the namespace of a mark: what tells it from what others keep in a domain's metadata.
const markSpace = "urn:wskharness:lease:1"

// mark is an element in a domain's metadata that says who has it: for people who find it, for other controllers, and for
// this one after its end.
type mark struct {
	XMLName    xml.Name `xml:"lease"`
	ID         string   `xml:"id,attr"`         // of the lease
	Controller string   `xml:"controller,attr"` // whose cache has the lease: see controller
	Target     string   `xml:"target,attr"`
	Run        string   `xml:"run,attr,omitempty"`
	By         string   `xml:"by,attr"` // user@host
	Since      string   `xml:"since,attr"`
}

// bare is the element as libvirt is given it, and gives it back: it adds the namespace itself.
func (m mark) bare() string {
	text, err := xml.Marshal(m)
	if err != nil {
		return "" // it has nothing but strings
	}
	return string(text)
}

// inMetadata is the element as it stands in a definition.
func (m mark) inMetadata() string {
	attributes := strings.TrimSuffix(strings.TrimPrefix(m.bare(), "<lease"), "></lease>")
	return `<wskharness:lease xmlns:wskharness="` + markSpace + `"` + attributes + "/>"
}

// readMark reads one; ok is false where there is none, or where it is garbled: then somebody else's.
func readMark(text string) (m mark, ok bool) {
	if len(text) > maxXML || xml.Unmarshal([]byte(text), &m) != nil || m.ID == "" {
		return mark{}, false
	}
	return m, true
}

// String says who it is, on one line, whatever stands there.
func (m mark) String() string {
	return fmt.Sprintf("%.100q has it since %.40q, for target %.100q (lease %.100q)", m.By, m.Since, m.Target, m.ID)
}

// newMark is that of a lease of this controller.
func newMark(controller, id, target, run string) mark {
	by := "somebody"
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		by += "@" + host
	}
	return mark{ID: id, Controller: controller, Target: target, Run: run, By: by, Since: time.Now().UTC().Format(time.RFC3339)}
}

// setMark says whose a domain is, in its definition and in what is running of it. The zero mark takes it away.
func setMark(lv *conn, d golibvirt.Domain, m mark, flags golibvirt.DomainModificationImpact) error {
	var text golibvirt.OptString
	if m.ID != "" {
		text = golibvirt.OptString{m.bare()}
	}
	return lv.DomainSetMetadata(d, int32(golibvirt.DomainMetadataElement), text, golibvirt.OptString{"wskharness"}, golibvirt.OptString{markSpace}, flags)
}

// getMark is who has a domain; ok is false where nobody has.
func getMark(lv *conn, d golibvirt.Domain, flags golibvirt.DomainModificationImpact) (m mark, ok bool, err error) {
	text, err := lv.DomainGetMetadata(d, int32(golibvirt.DomainMetadataElement), golibvirt.OptString{markSpace}, flags)
	switch {
	case isCode(err, golibvirt.ErrNoDomainMetadata):
		return mark{}, false, nil
	case err != nil:
		return mark{}, false, err
	}
	m, ok = readMark(text)
	if !ok {
		m, ok = mark{By: "a later version of wskharness"}, true
	}
	return m, ok, nil
}

// controllerFile has the name of this cache, by which its leases' marks are known.
const controllerFile = "controller.json"

// roomOf is the folder of this kind in a cache.
func roomOf(cache string) string { return filepath.Join(cache, "libvirt") }

func leasesIn(cache string) string { return filepath.Join(roomOf(cache), "leases") }

// controller is the name of a cache, which is made the first time.
func controller(cache string) (string, error) {
	var c struct {
		ID string `json:"id"`
	}
	room := roomOf(cache)
	err := lease.Read(room, controllerFile, &c)
	if err == nil && c.ID != "" {
		return c.ID, nil
	}
	if err := os.MkdirAll(room, 0o700); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(room, ".controller-*") // of two that begin at once, one is the first
	if err != nil {
		return "", err
	}
	name := strings.TrimPrefix(filepath.Base(file.Name()), ".")
	file.Close()
	defer os.Remove(file.Name())
	c.ID = name + "-" + lease.Unused()
	if err := lease.Write(room, filepath.Base(file.Name()), c); err != nil {
		return "", err
	}
	if err := os.Link(file.Name(), filepath.Join(room, controllerFile)); err != nil && !os.IsExist(err) {
		return "", err
	}
	err = lease.Read(room, controllerFile, &c)
	return c.ID, err
}
