/* mailbox.h - what mailbox.sys and its users say to each other. */
#pragma once

#define MAILBOX_TYPE 0x8138u /* of the device: one of those that are free for anybody */

#define MAILBOX_LETTER_BYTES 64u /* the longest letter */
#define MAILBOX_LETTERS      16u /* that are kept while nobody waits for one */

/* In: a letter. It goes to whoever has waited longest, else it is kept. A write does the same. */
#define IOCTL_MAILBOX_POST CTL_CODE(MAILBOX_TYPE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Out: the oldest letter. Where there is none it waits for one, and can be cancelled. A read does so, too. */
#define IOCTL_MAILBOX_TAKE CTL_CODE(MAILBOX_TYPE, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* In: an address; in the second buffer: a letter. Posts both as one letter, the address first. */
#define IOCTL_MAILBOX_SEND CTL_CODE(MAILBOX_TYPE, 0x802, METHOD_IN_DIRECT, FILE_ANY_ACCESS)

/* Second buffer: a copy of the oldest letter, which stays where it is. */
#define IOCTL_MAILBOX_PEEK CTL_CODE(MAILBOX_TYPE, 0x803, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)

/* Out: two ULONGs, how many letters are kept, and how many requests wait for one. */
#define IOCTL_MAILBOX_COUNT CTL_CODE(MAILBOX_TYPE, 0x804, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Throws the letters away. */
#define IOCTL_MAILBOX_EMPTY CTL_CODE(MAILBOX_TYPE, 0x807, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Waits for IOCTL_MAILBOX_LET_GO, and can't be cancelled: what no driver should do. One at a time. */
#define IOCTL_MAILBOX_HOLD   CTL_CODE(MAILBOX_TYPE, 0x805, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_MAILBOX_LET_GO CTL_CODE(MAILBOX_TYPE, 0x806, METHOD_BUFFERED, FILE_ANY_ACCESS)
