package wsman

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A sealed message is an HTTP body of two parts (MS-WSMV 2.2.9.1): what it was, and a little-endian
// length of the signature, the signature, and the sealed bytes. It looks like MIME and is not: the
// header lines are indented, no empty line ends them, and the second part is binary, so only its
// length says where it ends.
const (
	sealProtocol = "application/HTTP-SPNEGO-session-encrypted"

	// SealedType is the Content-Type of a sealed body.
	SealedType = `multipart/encrypted;protocol="` + sealProtocol + `";boundary="Encrypted Boundary"`

	sealedPart = "--Encrypted Boundary\r\n"
	sealedEnd  = "--Encrypted Boundary--\r\n"

	// ntlmSignature is the length of NTLM's signatures (MS-NLMP 2.2.2.9).
	ntlmSignature = 16
)

// SealOverhead is what a message of this length grows by when it is sealed.
func SealOverhead(length int) int {
	return len(sealedHead(length)) + 4 + ntlmSignature + len(sealedEnd)
}

func sealedHead(length int) string {
	return sealedPart +
		"\tContent-Type: " + sealProtocol + "\r\n" +
		"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=" + strconv.Itoa(length) + "\r\n" +
		sealedPart +
		"\tContent-Type: application/octet-stream\r\n"
}

// IsSealed says whether a Content-Type is that of a sealed body.
func IsSealed(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "multipart/encrypted")
}

// WrapSealed makes the body for a message of length bytes that was sealed.
func WrapSealed(length int, signature, sealed []byte) []byte {
	head := sealedHead(length)
	body := make([]byte, 0, len(head)+4+len(signature)+len(sealed)+len(sealedEnd))
	body = append(body, head...)
	body = binary.LittleEndian.AppendUint32(body, uint32(len(signature)))
	body = append(body, signature...)
	body = append(body, sealed...)
	return append(body, sealedEnd...)
}

// UnwrapSealed takes a sealed body apart. The signature and the sealed bytes, whose number is that
// of the original message, are parts of body.
func UnwrapSealed(body []byte) (signature, sealed []byte, err error) {
	length, rest, err := sealedHeader(body)
	if err != nil {
		return nil, nil, fmt.Errorf("open a sealed message: %w", err)
	}
	if len(rest) < 4 {
		return nil, nil, errors.New("open a sealed message: it ends before the signature")
	}
	size := binary.LittleEndian.Uint32(rest)
	rest = rest[4:]
	if size != ntlmSignature || len(rest) < ntlmSignature {
		return nil, nil, fmt.Errorf("open a sealed message: a signature of %d bytes; NTLM's have %d", size, ntlmSignature)
	}
	signature, rest = rest[:size], rest[size:]
	if len(rest) < length {
		return nil, nil, fmt.Errorf("open a sealed message: %d bytes of the announced %d", len(rest), length)
	}
	sealed, rest = rest[:length], rest[length:]
	if string(bytes.TrimRight(rest, "\r\n")) != strings.TrimRight(sealedEnd, "\r\n") {
		return nil, nil, errors.New("open a sealed message: it is longer than announced, or lacks its end")
	}
	return signature, sealed, nil
}

// longest header line of a sealed body; Windows writes less than 100 bytes
const maxSealedLine = 512

// sealedHeader reads up to the binary part. Windows writes the lines with and without a tab.
func sealedHeader(body []byte) (length int, rest []byte, err error) {
	rest = body
	length = -1
	parts := 0
	for {
		end := bytes.Index(rest[:min(len(rest), maxSealedLine)], []byte("\r\n"))
		if end < 0 {
			return 0, nil, errors.New("its header does not end")
		}
		line := strings.TrimSpace(string(rest[:end]))
		rest = rest[end+2:]
		switch name, value, _ := strings.Cut(line, ":"); {
		case line == strings.TrimSpace(sealedPart):
			if parts++; parts > 2 {
				return 0, nil, errors.New("it has more than two parts")
			}
		case parts == 1 && strings.EqualFold(name, "OriginalContent"):
			_, number, _ := strings.Cut(value, "Length=")
			n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
			if err != nil {
				return 0, nil, errors.New("it does not say how long the message was")
			}
			length = int(n)
		case parts == 1 && strings.EqualFold(name, "Content-Type"):
			if !strings.EqualFold(strings.TrimSpace(value), sealProtocol) {
				return 0, nil, fmt.Errorf("it was sealed by other means: %.100q", value)
			}
		case parts == 2 && strings.EqualFold(name, "Content-Type"):
			if length < 0 {
				return 0, nil, errors.New("it does not say how long the message was")
			}
			return length, rest, nil
		default:
			return 0, nil, fmt.Errorf("a line that does not belong there: %.100q", line)
		}
	}
}
