"""What is beside this file can be imported by the tests of each dialect: `conversations`."""
