package power

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"
)

const pingTries = 3

// pingPause is how long an answer may take until another is asked for.
const pingPause = time.Second

// ping asks whether something speaks RMCP at an address (ASF 2.0, 3.2.4.3: presence ping and pong), which takes no account.
func ping(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for range pingTries {
		if _, err = conn.Write([]byte{6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 0, 0, 0}); err != nil {
			return err
		}
		if err = conn.SetReadDeadline(time.Now().Add(pingPause)); err != nil {
			return err
		}
		answer := make([]byte, 64)
		var n int
		if n, err = conn.Read(answer); err == nil && isPong(answer[:n]) {
			return nil
		}
	}
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() || err == nil {
		return errors.New("no answer")
	}
	return err
}

// isPong reports whether a packet is a presence pong.
func isPong(packet []byte) bool {
	return len(packet) >= 12 && packet[0] == 6 && packet[3] == 6 && bytes.Equal(packet[4:8], []byte{0, 0, 0x11, 0xbe}) && packet[8] == 0x40
}
