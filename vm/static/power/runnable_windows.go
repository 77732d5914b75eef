package power

// runnable is what to see to where a program can not be started.
const runnable = "see that it is there, with its ending (.exe, .cmd), and in PATH unless a path is given"
