package driver

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/sassoftware/relic/v7/lib/authenticode"
	"github.com/sassoftware/relic/v7/lib/binpatch"
	"github.com/sassoftware/relic/v7/lib/certloader"

	"wskharness/disk"
)

// Sign gives the image at path an Authenticode signature (SHA-256, no time stamp: nothing is asked of
// any network), in place of one that it may have, and corrects the image's checksum, which covers the
// signature too. The file changes whole or not at all. The same image and signer give the same bytes.
func Sign(ctx context.Context, path string, signer *Signer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	image, err := readBounded(path, maxImageFile)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	// The digest below trusts its input: what the inspection can't read is not signed.
	if _, err := readImage(bytes.NewReader(image), int64(len(image))); err != nil {
		return fmt.Errorf("sign %s: %w", path, err)
	}
	signed, err := signImage(ctx, image, signer)
	if err != nil {
		return fmt.Errorf("sign %s: %w", path, err)
	}
	if err := disk.Replace(disk.OS(), path, signed, info.Mode().Perm()); err != nil {
		return fmt.Errorf("sign %s: %w", path, err)
	}
	return nil
}

func signImage(ctx context.Context, image []byte, signer *Signer) ([]byte, error) {
	digest, err := authenticode.DigestPE(bytes.NewReader(image), crypto.SHA256, false)
	if err != nil {
		return nil, err
	}
	patch, _, err := digest.Sign(ctx, &certloader.Certificate{
		Leaf:         signer.Certificate,
		Certificates: []*x509.Certificate{signer.Certificate},
		PrivateKey:   signer.key,
	}, nil)
	if err != nil {
		return nil, err
	}
	signed, err := applyPatch(image, patch)
	if err != nil {
		return nil, err
	}
	return withChecksum(signed)
}

// applyPatch replaces the parts of the image that the patch names: they are in order and don't overlap.
func applyPatch(image []byte, patch *binpatch.PatchSet) ([]byte, error) {
	var out []byte
	var at int64
	for i, p := range patch.Patches {
		if p.Offset < at || p.Offset+int64(p.OldSize) > int64(len(image)) {
			return nil, fmt.Errorf("the signature does not fit the image at offset %d", p.Offset)
		}
		out = append(out, image[at:p.Offset]...)
		out = append(out, patch.Blobs[i]...)
		at = p.Offset + int64(p.OldSize)
	}
	return append(out, image[at:]...), nil
}
