/*
 * Writes its standard input to the file it is given, as it comes, and then says how much that was: what the
 * clients that have no agent send their bytes to.
 */
#include <stdio.h>
#include <windows.h>

int main(int argc, char **argv)
{
    static char buffer[64 * 1024];
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    HANDLE out;
    DWORD got, put;
    unsigned long long total = 0;

    if (argc != 2) {
        return 2;
    }
    out = CreateFileA(argv[1], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (out == INVALID_HANDLE_VALUE) {
        return 3;
    }
    while (ReadFile(in, buffer, sizeof buffer, &got, NULL) && got > 0) {
        if (!WriteFile(out, buffer, got, &put, NULL) || put != got) {
            CloseHandle(out);
            return 4;
        }
        total += got;
    }
    CloseHandle(out);
    printf("%llu\n", total);
    return 0;
}
