/*
 * reversetest.c - a program that tests the device from user mode, and says what it found as TAP on its
 * standard output. With the name of a file as its argument it also leaves a line there.
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>

#include "reverse.h"

static int Number;

static int Tell(int Good, const char *What)
{
    Number++;
    printf("%sok %d - %s\n", Good ? "" : "not ", Number, What);
    return Good;
}

static int Reversed(HANDLE Device, const char *In, const char *Out)
{
    char buffer[64] = "";
    DWORD got = 0;

    return DeviceIoControl(Device, IOCTL_REVERSE_BYTES, (void *)In, (DWORD)strlen(In), buffer, sizeof buffer,
                           &got, NULL) &&
           got == strlen(Out) && memcmp(buffer, Out, got) == 0;
}

static ULONG Counted(HANDLE Device)
{
    ULONG count = 0;
    DWORD got = 0;

    return DeviceIoControl(Device, IOCTL_REVERSE_COUNT, NULL, 0, &count, sizeof count, &got, NULL) ? count
                                                                                                   : 0;
}

static int Leave(const char *Path, ULONG Count)
{
    FILE *file = fopen(Path, "w");

    if (file == NULL)
        return 0;
    fprintf(file, "reversed %lu buffers\n", Count);
    return fclose(file) == 0;
}

int main(int Argc, char **Argv)
{
    HANDLE device =
        CreateFileW(L"\\\\.\\Reverse", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    ULONG before;
    int good = 1;

    printf("1..4\n");
    if (device == INVALID_HANDLE_VALUE) {
        printf("Bail out! open the device: error %lu\n", GetLastError());
        return 2;
    }
    before = Counted(device);
    good &= Tell(Reversed(device, "a", "a"), "one byte is itself");
    good &= Tell(Reversed(device, "stressed", "desserts"), "an even number of bytes");
    good &= Tell(Reversed(device, "drawn", "nward"), "an odd number of bytes");
    good &= Tell(Counted(device) == before + 3, "each of them is counted");
    if (Argc > 1 && !Leave(Argv[1], Counted(device) - before))
        good = 0;
    CloseHandle(device);
    return good ? 0 : 1;
}
