package winrmd

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	//lint:ignore SA1019 NTLM's password hash is MD4 (3.3.1); there is no other.
	"golang.org/x/crypto/md4"
)

// NTLM, the server's side, as far as WinRM clients use it: NTLMv2 with extended session security
// and 128-bit keys. All structures and formulas are those of MS-NLMP, whose section numbers the
// comments give. Everything older is refused.

// Flags (2.2.2.5).
const (
	flagUnicode         = 1 << 0
	flagRequestTarget   = 1 << 2
	flagSign            = 1 << 4
	flagSeal            = 1 << 5
	flagNTLM            = 1 << 9
	flagAlwaysSign      = 1 << 15
	flagTargetServer    = 1 << 17
	flagExtendedSession = 1 << 19
	flagTargetInfo      = 1 << 23
	flagVersion         = 1 << 25
	flag128             = 1 << 29
	flagKeyExchange     = 1 << 30
	flag56              = 1 << 31

	// without these a message would not be sealed with a fresh 128-bit key
	flagsRequired = flagExtendedSession | flag128
	flagsSealing  = flagSign | flagSeal | flagKeyExchange
)

// Attribute-value pairs (2.2.2.1).
const (
	avEnd             = 0
	avComputer        = 1
	avDomain          = 2
	avDNSComputer     = 3
	avDNSDomain       = 4
	avFlags           = 6
	avTimestamp       = 7
	avChannelBindings = 10

	avFlagMIC = 2
)

var (
	ntlmMark = []byte("NTLMSSP\x00")
	// what this server says it is: Windows 10, NTLM revision 15 (2.2.2.10)
	ntlmVersion = []byte{10, 0, 0x65, 0x4A, 0, 0, 0, 15}
)

const maxToken = 8 << 10

// ntlmHandshake is a handshake that has begun.
type ntlmHandshake struct {
	negotiate, challenge []byte
	nonce                [8]byte
	flags                uint32
}

// ntlmChallenge answers a NEGOTIATE message (2.2.1.1) with a CHALLENGE message (2.2.1.2).
func ntlmChallenge(negotiate []byte, machine string, now time.Time) (*ntlmHandshake, error) {
	if len(negotiate) < 16 || len(negotiate) > maxToken || !bytes.HasPrefix(negotiate, ntlmMark) || binary.LittleEndian.Uint32(negotiate[8:]) != 1 {
		return nil, errors.New("not an NTLM negotiate message")
	}
	asked := binary.LittleEndian.Uint32(negotiate[12:])
	if asked&flagsRequired != flagsRequired {
		return nil, fmt.Errorf("the client offers flags %#x, without NTLMv2 session security of 128 bits", asked)
	}
	h := &ntlmHandshake{negotiate: bytes.Clone(negotiate)}
	rand.Read(h.nonce[:])
	h.flags = flagUnicode | flagRequestTarget | flagNTLM | flagTargetServer | flagExtendedSession | flagTargetInfo | flagVersion | flag128 |
		asked&(flagsSealing|flagAlwaysSign|flag56)
	name := utf16le(strings.ToUpper(machine))
	var info []byte
	for _, pair := range []struct {
		id    uint16
		value []byte
	}{
		{avDomain, name}, {avComputer, name}, {avDNSDomain, utf16le(machine)}, {avDNSComputer, utf16le(machine)},
		{avTimestamp, binary.LittleEndian.AppendUint64(nil, fileTime(now))}, {avEnd, nil},
	} {
		info = binary.LittleEndian.AppendUint16(info, pair.id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(pair.value)))
		info = append(info, pair.value...)
	}
	const fixed = 56
	m := append([]byte{}, ntlmMark...)
	m = binary.LittleEndian.AppendUint32(m, 2)
	m = appendField(m, len(name), fixed)
	m = binary.LittleEndian.AppendUint32(m, h.flags)
	m = append(m, h.nonce[:]...)
	m = append(m, make([]byte, 8)...)
	m = appendField(m, len(info), fixed+len(name))
	m = append(m, ntlmVersion...)
	m = append(m, name...)
	h.challenge = append(m, info...)
	return h, nil
}

// ntlmAccount is who may log on.
type ntlmAccount struct {
	isUser   func(name, domain string) bool
	password string
	bindings []byte // MD5 of the connection's channel bindings; nil without TLS
}

// verify checks an AUTHENTICATE message (2.2.1.3) and makes the session (3.2.5.1.2).
func (h *ntlmHandshake) verify(message []byte, account ntlmAccount) (*ntlmSession, error) {
	const fixed, micAt = 64, 72
	if len(message) < fixed || len(message) > maxToken || !bytes.HasPrefix(message, ntlmMark) || binary.LittleEndian.Uint32(message[8:]) != 3 {
		return nil, errors.New("not an NTLM authenticate message")
	}
	flags := binary.LittleEndian.Uint32(message[60:])
	if flags&(flagsRequired|flagUnicode) != flagsRequired|flagUnicode {
		return nil, fmt.Errorf("the client settled on flags %#x, without Unicode or NTLMv2 session security of 128 bits", flags)
	}
	flags &= h.flags
	var response, domain, user, key []byte
	for _, f := range []struct {
		at   int
		into *[]byte
	}{{20, &response}, {28, &domain}, {36, &user}, {52, &key}} {
		value, err := field(message, f.at)
		if err != nil {
			return nil, err
		}
		*f.into = value
	}
	const proofLength, clientHeader = 16, 28
	if len(response) < proofLength+clientHeader+4 {
		return nil, errors.New("not an NTLMv2 response")
	}
	proof, blob := response[:proofLength], response[proofLength:]
	name, err := stringFrom(user)
	if err != nil {
		return nil, err
	}
	domainName, err := stringFrom(domain)
	if err != nil {
		return nil, err
	}
	// NTOWFv2 and NTLMv2 (3.3.2)
	owf := hmacMD5(ntowf(account.password), utf16le(strings.ToUpper(name)), domain)
	want := hmacMD5(owf, h.nonce[:], blob)
	if !hmac.Equal(want, proof) || !account.isUser(name, domainName) {
		return nil, errors.New("wrong user or password")
	}
	session := hmacMD5(owf, proof)
	if flags&flagKeyExchange != 0 {
		if len(key) != 16 {
			return nil, errors.New("the exchanged key does not have 128 bits")
		}
		plain := make([]byte, 16)
		cipher, err := rc4.NewCipher(session)
		if err != nil {
			return nil, err
		}
		cipher.XORKeyStream(plain, key)
		session = plain
	}
	pairs, err := avPairs(blob[clientHeader:])
	if err != nil {
		return nil, err
	}
	if f := pairs[avFlags]; len(f) == 4 && binary.LittleEndian.Uint32(f)&avFlagMIC != 0 {
		if len(message) < micAt+16 {
			return nil, errors.New("the message lacks its integrity check")
		}
		mic := bytes.Clone(message[micAt : micAt+16])
		blank := bytes.Clone(message)
		clear(blank[micAt : micAt+16])
		if !hmac.Equal(mic, hmacMD5(session, h.negotiate, h.challenge, blank)) {
			return nil, errors.New("the handshake was tampered with")
		}
	}
	// A client that sends bindings must send the right ones; one that does not send any is
	// accepted, which is Windows' default (CbtHardeningLevel Relaxed).
	if b := pairs[avChannelBindings]; account.bindings != nil && len(b) == 16 && !bytes.Equal(b, make([]byte, 16)) && !hmac.Equal(b, account.bindings) {
		return nil, errors.New("the handshake belongs to another TLS connection")
	}
	return newNTLMSession(flags, session)
}

// avPairs reads a list of attribute-value pairs.
func avPairs(b []byte) (map[uint16][]byte, error) {
	pairs := make(map[uint16][]byte)
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if b = b[4:]; id == avEnd {
			return pairs, nil
		}
		if n > len(b) {
			break
		}
		pairs[id], b = b[:n], b[n:]
	}
	return nil, errors.New("the NTLMv2 response's attributes do not end")
}

// appendField writes the description of a field in the payload (2.2.1).
func appendField(m []byte, length, offset int) []byte {
	m = binary.LittleEndian.AppendUint16(m, uint16(length))
	m = binary.LittleEndian.AppendUint16(m, uint16(length))
	return binary.LittleEndian.AppendUint32(m, uint32(offset))
}

func field(message []byte, at int) ([]byte, error) {
	n, offset := uint64(binary.LittleEndian.Uint16(message[at:])), uint64(binary.LittleEndian.Uint32(message[at+4:]))
	if offset+n > uint64(len(message)) {
		return nil, errors.New("a field of the NTLM message lies outside of it")
	}
	return message[offset : offset+n], nil
}

func utf16le(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func stringFrom(b []byte) (string, error) {
	if len(b)%2 != 0 {
		return "", errors.New("a name in the NTLM message is not UTF-16")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units)), nil
}

// fileTime is a time in 100 ns since 1601.
func fileTime(t time.Time) uint64 { return uint64(t.UnixNano()/100) + 116444736000000000 }

func ntowf(password string) []byte {
	h := md4.New()
	h.Write(utf16le(password))
	return h.Sum(nil)
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// ntlmSession seals and opens messages (3.4). Each direction has its own keys, key stream and
// sequence number, so messages must be opened in the order in which they were sealed.
type ntlmSession struct {
	sealing bool
	in, out ntlmDirection
}

type ntlmDirection struct {
	signing  []byte
	stream   *rc4.Cipher
	sequence uint32
	exchange bool // the checksum is sealed too
}

func newNTLMSession(flags uint32, key []byte) (*ntlmSession, error) {
	direction := func(name string) (ntlmDirection, error) {
		sign := md5.Sum(append(bytes.Clone(key), "session key to "+name+" signing key magic constant\x00"...))
		seal := md5.Sum(append(bytes.Clone(key), "session key to "+name+" sealing key magic constant\x00"...))
		stream, err := rc4.NewCipher(seal[:])
		return ntlmDirection{signing: sign[:], stream: stream, exchange: flags&flagKeyExchange != 0}, err
	}
	s := &ntlmSession{sealing: flags&(flagSign|flagSeal) == flagSign|flagSeal}
	var err error
	if s.in, err = direction("client-to-server"); err != nil {
		return nil, err
	}
	if s.out, err = direction("server-to-client"); err != nil {
		return nil, err
	}
	return s, nil
}

// sign makes the signature of a message whose sealing has already moved the key stream on (3.4.4.2).
func (d *ntlmDirection) sign(message []byte) []byte {
	number := binary.LittleEndian.AppendUint32(nil, d.sequence)
	d.sequence++
	checksum := hmacMD5(d.signing, number, message)[:8]
	if d.exchange {
		d.stream.XORKeyStream(checksum, checksum)
	}
	signature := binary.LittleEndian.AppendUint32(nil, 1)
	signature = append(signature, checksum...)
	return append(signature, number...)
}

func (s *ntlmSession) seal(message []byte) (signature, sealed []byte) {
	sealed = make([]byte, len(message))
	s.out.stream.XORKeyStream(sealed, message)
	return s.out.sign(message), sealed
}

// open opens a message. After an error the session is out of step for good.
func (s *ntlmSession) open(signature, sealed []byte) ([]byte, error) {
	message := make([]byte, len(sealed))
	s.in.stream.XORKeyStream(message, sealed)
	if !hmac.Equal(s.in.sign(message), signature) {
		return nil, errors.New("the signature or the sequence number of a sealed message is wrong")
	}
	return message, nil
}

// bindingsOf is the MD5 of the channel bindings of a connection with this certificate (RFC 2744,
// RFC 5929 tls-server-end-point; the certificate's signature is of SHA-256).
func bindingsOf(certificate []byte) []byte {
	sum := sha256.Sum256(certificate)
	data := append([]byte("tls-server-end-point:"), sum[:]...)
	b := make([]byte, 16) // no addresses
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	digest := md5.Sum(append(b, data...))
	return digest[:]
}
