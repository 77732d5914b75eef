package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

//go:embed pywinrm.py
var pywinrmScript string

const python = "/usr/bin/python3"

// hasPywinrm reports whether the peer is installed: Debian's python3-winrm.
func hasPywinrm(ctx context.Context) bool {
	return exec.CommandContext(ctx, python, "-c", "import winrm, xmltodict").Run() == nil
}

// sendPywinrm measures how long pywinrm takes to send a local file to the sink: no check, no temporary name, no
// going on after a loss.
func sendPywinrm(ctx context.Context, up *upGuest, through *relay, local, path string, size int) (sample, error) {
	password, err := up.password()
	if err != nil {
		return sample{}, err
	}
	config, err := json.Marshal(map[string]any{
		"protocol": map[string]any{"endpoint": "https://" + through.address() + "/wsman", "transport": "basic",
			"username": up.User, "password": password, "server_cert_validation": "ignore"},
		"line": sinkPath + " " + path, "file": local,
	})
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, python, "-W", "ignore", "-c", pywinrmScript)
	cmd.Stdin = bytes.NewReader(config)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // these would override what is asked for
		return strings.HasPrefix(v, "REQUESTS_CA_BUNDLE=") || strings.HasPrefix(v, "CURL_CA_BUNDLE=")
	})
	cmd.Env = append(cmd.Env, "no_proxy=*")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	before := through.bytes.Load()
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("pywinrm: %w\n%s", err, stderr.Bytes())
	}
	var said struct {
		Seconds  float64
		Requests int64
		Out      string
		Code     int
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return sample{}, fmt.Errorf("pywinrm: %w\n%s", err, out)
	}
	if said.Code != 0 || strings.TrimSpace(said.Out) != fmt.Sprint(size) {
		return sample{}, fmt.Errorf("pywinrm: the sink ended with %d, having received %q of %d bytes", said.Code, said.Out, size)
	}
	took := time.Duration(said.Seconds * float64(time.Second))
	return sample{took: took, requests: said.Requests, wire: through.bytes.Load() - before, payload: size}, nil
}
