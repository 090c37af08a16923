"""What runs beside student code in a sandbox: it does as the judge says and decides nothing.

Whatever it answers may be a lie, since a student's code can change it at will. The judge believes no word of it:
results are compared with fresh secret inputs, and the clock is read from outside.
"""
