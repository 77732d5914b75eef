/* digest.c - SHA-256 and CRC-32. */
#include "digest.h"
#include "stream.h"

#include <immintrin.h>
#include <intrin.h>
#include <stdlib.h>
#include <zlib.h>

/* Lets a function use instructions that not every processor has; Microsoft's compiler always does. */
#if defined(__GNUC__)
#define WITH_SHA __attribute__((target("sha,sse4.1")))
#else
#define WITH_SHA
#endif

static const UINT32 Rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static UINT32 RotateRight(UINT32 Word, unsigned Bits) { return Word >> Bits | Word << (32 - Bits); }

/* Are there instructions for SHA-256, and those of SSSE3 and SSE4.1 that go with them? (CPUID 1 and 7) */
static BOOL HasShaInstructions(void)
{
    int leaf[4];

    __cpuid(leaf, 0);
    if (leaf[0] < 7)
        return FALSE;
    __cpuid(leaf, 1);
    if ((leaf[2] & 1 << 9) == 0 || (leaf[2] & 1 << 19) == 0)
        return FALSE;
    __cpuidex(leaf, 7, 0);
    return (leaf[1] & 1 << 29) != 0;
}

/*
 * The same as HashBlock with the processor's instructions, which do two rounds each and keep the state as
 * ABEF and CDGH. Four words of the message schedule are in each of w; the next four take the place of the
 * oldest.
 */
WITH_SHA static void HashBlocksFast(UINT32 State[8], const UINT8 *Data, size_t Blocks)
{
    const __m128i bigEndian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&State[0]), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&State[4]), 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xF0);

    for (; Blocks != 0; Blocks--, Data += 64) {
        const __m128i abefBefore = abef, cdghBefore = cdgh;
        __m128i w[4];

        for (unsigned i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(Data + 16 * i)), bigEndian);
        for (unsigned i = 0; i < 16; i++) {
            const __m128i newest = w[(i + 3) % 4];
            __m128i sum = _mm_add_epi32(w[i % 4], _mm_loadu_si128((const __m128i *)&Rounds[4 * i]));

            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
            w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]),
                                                          _mm_alignr_epi8(newest, w[(i + 2) % 4], 4)),
                                            newest);
        }
        abef = _mm_add_epi32(abef, abefBefore);
        cdgh = _mm_add_epi32(cdgh, cdghBefore);
    }
    low = _mm_shuffle_epi32(abef, 0x1B);
    high = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)&State[0], _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)&State[4], _mm_alignr_epi8(high, low, 8));
}

static void HashBlock(UINT32 State[8], const UINT8 *Block)
{
    UINT32 w[64];
    UINT32 a = State[0], b = State[1], c = State[2], d = State[3];
    UINT32 e = State[4], f = State[5], g = State[6], h = State[7];

    for (unsigned i = 0; i < 16; i++, Block += 4)
        w[i] = (UINT32)Block[0] << 24 | (UINT32)Block[1] << 16 | (UINT32)Block[2] << 8 | Block[3];
    for (unsigned i = 16; i < 64; i++) {
        UINT32 s0 = RotateRight(w[i - 15], 7) ^ RotateRight(w[i - 15], 18) ^ w[i - 15] >> 3;
        UINT32 s1 = RotateRight(w[i - 2], 17) ^ RotateRight(w[i - 2], 19) ^ w[i - 2] >> 10;

        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (unsigned i = 0; i < 64; i++) {
        UINT32 s1 = RotateRight(e, 6) ^ RotateRight(e, 11) ^ RotateRight(e, 25);
        UINT32 s0 = RotateRight(a, 2) ^ RotateRight(a, 13) ^ RotateRight(a, 22);
        UINT32 t1 = h + s1 + ((e & f) ^ (~e & g)) + Rounds[i] + w[i];
        UINT32 t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    State[0] += a, State[1] += b, State[2] += c, State[3] += d;
    State[4] += e, State[5] += f, State[6] += g, State[7] += h;
}

static void HashBlocks(SHA256 *Hash, const UINT8 *Data, size_t Blocks)
{
    if (Hash->Fast) {
        HashBlocksFast(Hash->State, Data, Blocks);
        return;
    }
    for (; Blocks != 0; Blocks--, Data += 64)
        HashBlock(Hash->State, Data);
}

void Sha256Init(SHA256 *Hash)
{
    static const UINT32 start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(Hash->State, start, sizeof start);
    Hash->Length = 0;
    Hash->Fast = HasShaInstructions();
}

void Sha256Add(SHA256 *Hash, const void *Data, size_t Count)
{
    const UINT8 *next = Data;
    size_t used = (size_t)(Hash->Length % 64);

    Hash->Length += Count;
    if (used != 0) {
        size_t part = Count < 64 - used ? Count : 64 - used;

        memcpy(Hash->Block + used, next, part);
        next += part;
        Count -= part;
        if (used + part < 64)
            return;
        HashBlocks(Hash, Hash->Block, 1);
    }
    HashBlocks(Hash, next, Count / 64);
    memcpy(Hash->Block, next + Count / 64 * 64, Count % 64);
}

void Sha256Finish(SHA256 *Hash, UINT8 Digest[SHA256_BYTES])
{
    static const UINT8 padding[64] = {0x80};
    UINT64 bits = Hash->Length * 8;
    size_t used = (size_t)(Hash->Length % 64);
    UINT8 length[8];

    for (unsigned i = 0; i < 8; i++)
        length[i] = (UINT8)(bits >> (56 - 8 * i));
    Sha256Add(Hash, padding, used < 56 ? 56 - used : 120 - used);
    Sha256Add(Hash, length, sizeof length);
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        Digest[i] = (UINT8)(Hash->State[i / 4] >> (24 - 8 * (i % 4)));
}

DWORD Sha256AddFile(SHA256 *Hash, HANDLE File, UINT64 Limit, UINT64 *Count)
{
    const size_t chunk = 256u * 1024u;
    DWORD error = ERROR_SUCCESS;
    UINT8 *buffer = malloc(chunk);

    *Count = 0;
    if (buffer == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    while (*Count < Limit) {
        size_t got, want = Limit - *Count < chunk ? (size_t)(Limit - *Count) : chunk;

        error = ReadFully(File, buffer, want, &got);
        if (error != ERROR_SUCCESS || got == 0)
            break;
        Sha256Add(Hash, buffer, got);
        *Count += got;
    }
    free(buffer);
    return error;
}

DWORD Sha256OfFile(const wchar_t *Path, UINT8 Digest[SHA256_BYTES])
{
    SHA256 hash;
    UINT64 count;
    DWORD error;
    HANDLE file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                              FILE_FLAG_SEQUENTIAL_SCAN, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    Sha256Init(&hash);
    error = Sha256AddFile(&hash, file, MAXUINT64, &count);
    Sha256Finish(&hash, Digest);
    CloseHandle(file);
    return error;
}

UINT32 Crc32(UINT32 Before, const void *Data, size_t Count) { return (UINT32)crc32_z(Before, Data, Count); }
