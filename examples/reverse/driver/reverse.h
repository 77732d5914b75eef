/* reverse.h - what reverse.sys and its users say to each other. */
#pragma once

#define REVERSE_TYPE 0x8137u /* of the device: one of those that are free for anybody */

/* In: 1 to Limit bytes. Out: the same bytes, the last one first. */
#define IOCTL_REVERSE_BYTES CTL_CODE(REVERSE_TYPE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS) /* 0x81372000 */

/* Out: a ULONG, how many buffers were reversed since the driver was loaded. */
#define IOCTL_REVERSE_COUNT CTL_CODE(REVERSE_TYPE, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS) /* 0x81372004 */

/* Below the service's key Parameters (REG_DWORD): the longest buffer that is taken. */
#define REVERSE_LIMIT_VALUE   L"Limit"
#define REVERSE_LIMIT_DEFAULT 256u
