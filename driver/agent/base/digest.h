/*
 * digest.h - SHA-256 (FIPS 180-4) and CRC-32.
 *
 * The hash is the agent's own: under Wine, loading bcrypt.dll or rsaenh.dll costs a process 13 to 35 ms,
 * more than its whole start, and neither hashes faster than plain C there; here the processor's own
 * instructions for it are used where it has them. The CRC is zlib's.
 */
#pragma once

#include <windows.h>

#define SHA256_BYTES  32u
#define SHA256_DIGITS (2u * SHA256_BYTES)

typedef struct SHA256 {
    UINT32 State[8];
    UINT64 Length; /* bytes so far */
    UINT8 Block[64];
    BOOL Fast; /* by the processor's own instructions */
} SHA256;

void Sha256Init(SHA256 *Hash);
void Sha256Add(SHA256 *Hash, const void *Data, size_t Count);
void Sha256Finish(SHA256 *Hash, UINT8 Digest[SHA256_BYTES]);

/* Hashes the first Limit bytes of an open file, or all of it; the file pointer ends behind them. */
DWORD Sha256AddFile(SHA256 *Hash, HANDLE File, UINT64 Limit, UINT64 *Count);
DWORD Sha256OfFile(const wchar_t *Path, UINT8 Digest[SHA256_BYTES]);

/* IEEE CRC-32 of Data after what gave Before; 0 to begin with. */
UINT32 Crc32(UINT32 Before, const void *Data, size_t Count);
