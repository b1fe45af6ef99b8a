# file: broken.py
try:
    t = t"{1}"
except ValueError, TypeError as error:  # want: RS000
    print(error)
# file: fine.py
x = 1
